package mirror

import (
	"bufio"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// scrape reads the metrics as Prometheus does: by sample, with its labels.
func scrape(t *testing.T, m *Mirror) map[string]float64 {
	t.Helper()
	var b strings.Builder
	if err := m.WriteMetrics(&b); err != nil {
		t.Fatal(err)
	}
	sample := regexp.MustCompile(`^[a-z_0-9]+(\{([a-z]+="(\\.|[^"\\])*",?)+\})? \S+$`)
	comment := regexp.MustCompile(`^# (HELP [a-z_0-9]+ .+|TYPE [a-z_0-9]+ (counter|gauge))$`)
	values := make(map[string]float64)
	for lines := bufio.NewScanner(strings.NewReader(b.String())); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			if !comment.MatchString(line) {
				t.Errorf("no comment of the format: %s", line)
			}
			continue
		}
		if !sample.MatchString(line) {
			t.Errorf("no sample of the format: %s", line)
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[at+1:], 64)
		if _, twice := values[line[:at]]; err != nil || twice || math.IsNaN(v) {
			t.Errorf("%s: %v, or it is there twice", line, err)
		}
		values[line[:at]] = v
	}
	return values
}

func TestMetrics(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a"), kfake.SeedTopics(2, "b")}, []kfake.Opt{kfake.SeedTopics(1, "a"), kfake.SeedTopics(2, "b")})
	w.produce("a", 1, 0, 100)
	w.produce("b", 2, 0, 40)
	w.target.ControlKey(int16(kmsg.CreatePartitions), func(kmsg.Request) (kmsg.Response, error, bool) {
		w.target.KeepControl()
		return nil, nil, false
	})
	m := w.start(nil, earliest, "")
	w.targetHas("a", 1, 100)
	w.targetHas("b", 2, 40)
	w.until("all is committed", func() bool { return w.committed("a", 0) == 100 && w.committed("b", 1) == 40 })
	w.until("the group's positions are known", func() bool {
		v := scrape(t, m.Mirror)
		return v[`schloss_mirror_committed_position{topic="a",partition="0"}`] == 100 && v[`schloss_mirror_committed_position{topic="b",partition="1"}`] == 40
	})
	got := scrape(t, m.Mirror)
	mm2 := `{source="source",target="target",topic="a",partition="0"}`
	for name, want := range map[string]float64{
		`schloss_mirror_info{flow="mirror",source="source",target="target"}`:  1,
		`schloss_mirror_partitions{flow="mirror",state="copying"}`:            3,
		`schloss_mirror_partitions{flow="mirror",state="halted"}`:             0,
		`schloss_mirror_rpo_seconds{flow="mirror"}`:                           0,
		`schloss_mirror_throttled_seconds_total{flow="mirror",side="source"}`: 0,
		`schloss_mirror_throttled_seconds_total{flow="mirror",side="target"}`: 0,
		`schloss_mirror_records_total{topic="a",partition="0"}`:               100,
		`schloss_mirror_position{topic="a",partition="0"}`:                    100,
		`schloss_mirror_source_end{topic="a",partition="0"}`:                  100,
		`schloss_mirror_lag_records{topic="a",partition="0"}`:                 0,
		`schloss_mirror_lag_bytes{topic="a",partition="0"}`:                   0,
		`schloss_mirror_lag_seconds{topic="a",partition="0"}`:                 0,
		`schloss_mirror_left_out_records_total{topic="a",partition="0"}`:      0,
		`schloss_mirror_records_total{topic="b",partition="1"}`:               40,
		mirrorMaker2 + `record_count` + mm2:                                   100,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v (%v), want %v", name, v, ok, want)
		}
	}
	const years = 1e10 // the records' timestamps are of 2023
	for _, name := range []string{"record_age_ms", "record_age_ms_min", "record_age_ms_max", "record_age_ms_avg",
		"replication_latency_ms", "replication_latency_ms_min", "replication_latency_ms_max", "replication_latency_ms_avg"} {
		if v := got[mirrorMaker2+name+mm2]; v < years {
			t.Errorf("%s is %v, want the age of records of 2023", name, v)
		}
	}
	for _, name := range []string{"record_rate", "byte_rate", "byte_count"} {
		if v := got[mirrorMaker2+name+mm2]; v <= 0 {
			t.Errorf("%s is %v, want some", name, v)
		}
	}
}

// TestMetricsOfAHaltedPartition sees a partition fall behind that is not
// fetched any more.
func TestMetricsOfAHaltedPartition(t *testing.T) {
	w := newWorld(t, []kfake.Opt{kfake.SeedTopics(1, "a", "b")}, []kfake.Opt{kfake.SeedTopics(1, "a", "b")})
	w.produce("a", 1, 0, 20)
	w.produce("b", 1, 0, 20)
	m := w.start(func(c *Config) { c.AbortOnSendFailure = false }, earliest, "")
	w.targetHas("a", 1, 20)
	w.targetHas("b", 1, 20)
	w.target.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.target.KeepControl()
		p := req.(*kmsg.ProduceRequest)
		if p.Topics[0].Topic != "a" {
			return nil, nil, false
		}
		resp := p.ResponseKind().(*kmsg.ProduceResponse)
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic, rt.TopicID = p.Topics[0].Topic, p.Topics[0].TopicID
		rp := kmsg.NewProduceResponseTopicPartition()
		rp.ErrorCode = kerr.TopicAuthorizationFailed.Code
		rt.Partitions = append(rt.Partitions, rp)
		resp.Topics = append(resp.Topics, rt)
		return resp, nil, true
	})
	w.produce("a", 1, 20, 30)
	halt := `schloss_mirror_halted{topic="a",partition="0",reason="target-refused"}`
	w.until("a halts", func() bool { return scrape(t, m.Mirror)[halt] == 1 })
	w.produce("a", 1, 30, 70)
	w.produce("b", 1, 20, 30)
	w.until("the lag of the halted one grows", func() bool { return scrape(t, m.Mirror)[`schloss_mirror_lag_records{topic="a",partition="0"}`] == 50 })
	w.targetHas("b", 1, 30)
	first := scrape(t, m.Mirror)[`schloss_mirror_lag_seconds{topic="a",partition="0"}`]
	w.until("it grows with the clock", func() bool {
		now := scrape(t, m.Mirror)
		return now[`schloss_mirror_lag_seconds{topic="a",partition="0"}`] > first && first > 0 && now[halt] == 1 &&
			now[`schloss_mirror_rpo_seconds{flow="mirror"}`] > first && now[`schloss_mirror_lag_bytes{topic="a",partition="0"}`] > 0 &&
			now[`schloss_mirror_partitions{flow="mirror",state="paused"}`] == 1
	})
}

func TestLabelsAreEscaped(t *testing.T) {
	var b strings.Builder
	f := family{"x", "gauge", "Help.", []sample{{[]string{"flow", "a\"b\\c\nd"}, 0.5}}}
	f.write(&b)
	if want := "# HELP x Help.\n# TYPE x gauge\nx{flow=\"a\\\"b\\\\c\\nd\"} 0.5\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestSecondsBehind(t *testing.T) {
	now := time.UnixMilli(1_700_000_100_000)
	before := func(seconds int) time.Time { return now.Add(-time.Duration(seconds) * time.Second) }
	for _, test := range []struct {
		name string
		set  func(*partition)
		want float64
	}{
		{"the end is not known", func(p *partition) { p.end = -1 }, -1},
		{"all is copied", func(p *partition) { p.end = 10 }, 0},
		{"fetched and not acknowledged: by its first timestamp", func(p *partition) { p.under = []*span{{first: before(7).UnixMilli()}} }, 7},
		{"an old record that arrived just now", func(p *partition) {
			p.under = []*span{{first: before(5000).UnixMilli()}}
			p.traffic.caughtUp = before(3)
		}, 3},
		{"nothing is fetched: since the last that was copied", func(p *partition) { p.traffic.newest = before(20).UnixMilli() }, 20},
		{"nothing is fetched: since it had caught up", func(p *partition) {
			p.traffic.newest, p.traffic.caughtUp = before(900).UnixMilli(), before(60)
		}, 60},
		{"nothing was ever copied: since that is known", func(p *partition) { p.traffic.behind = before(11) }, 11},
		{"without timestamps: since that is known", func(p *partition) {
			p.under = []*span{{first: -1}}
			p.traffic.behind = before(4)
		}, 4},
		{"a clock that is ahead", func(p *partition) { p.under = []*span{{first: now.Add(time.Hour).UnixMilli()}} }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTestPartition(10)
			p.end = 15
			test.set(p)
			if got := p.secondsBehind(now); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestTrafficIsOfTwoWindows(t *testing.T) {
	p := newTestPartition(0)
	at := time.UnixMilli(1_700_000_000_000)
	note := func(after time.Duration, age int64) {
		now := at.Add(after)
		p.gave(&span{latest: now.UnixMilli() - age, records: 30, batch: make([]byte, 300)}, now)
	}
	note(0, 100)
	note(20*time.Second, 300)
	note(40*time.Second, 200)
	got := p.traffic.recent(at.Add(60*time.Second - 1))
	if want := (Spread{Last: 200, Min: 100, Max: 300, Sum: 600, Count: 3}); got.Latency != want || math.Abs(got.RecordRate-1.5) > 0.01 || math.Abs(got.ByteRate-15) > 0.1 {
		t.Errorf("got %+v", got)
	}
	if got := p.traffic.recent(at.Add(70 * time.Second)); got.Latency.Count != 1 || got.Latency.Max != 200 {
		t.Errorf("got %+v, want that the first window is forgotten", got)
	}
	if got := p.traffic.recent(at.Add(5 * time.Minute)); got.Latency.Count != 0 || got.RecordRate != 0 {
		t.Errorf("got %+v, want nothing", got)
	}
}

func TestConditions(t *testing.T) {
	for want, pp := range map[string]PartitionProgress{
		starting: {Position: -1}, copying: {}, paused: {Halt: &Halt{Reason: TargetRefused}}, halted: {Halt: &Halt{UnfitRecord, kafka.NoOffset, errors.New("x")}},
	} {
		if got := pp.condition(); got != want {
			t.Errorf("%+v: got %s, want %s", pp, got, want)
		}
	}
}
