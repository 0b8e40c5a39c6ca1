package mirror

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// sample is one value of a metric; labels are names and values by turns.
type sample struct {
	labels []string
	value  float64
}

// family is a metric with all of its samples.
type family struct {
	name, kind, help string
	samples          []sample
}

// WriteMetrics writes the state in Prometheus' text format (version 0.0.4): our
// own metrics, and those of MirrorMaker 2 by the names that its dashboards know
// (docs/mirror.md).
func (m *Mirror) WriteMetrics(w io.Writer) error {
	p := m.Snapshot()
	all := m.ownMetrics(p)
	all = append(all, partitionMetrics(p)...)
	all = append(all, m.groupMetrics(p.At)...)
	all = append(all, m.mirrorMaker2Metrics(p)...)
	var b strings.Builder
	for _, f := range all {
		f.write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var labelValue = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func (f *family) write(b *strings.Builder) {
	if len(f.samples) == 0 {
		return
	}
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
	for _, s := range f.samples {
		b.WriteString(f.name)
		for i := 0; i < len(s.labels); i += 2 {
			b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
			fmt.Fprintf(b, `%s="%s"`, s.labels[i], labelValue.Replace(s.labels[i+1]))
		}
		if len(s.labels) > 0 {
			b.WriteByte('}')
		}
		b.WriteString(" " + strconv.FormatFloat(s.value, 'g', -1, 64) + "\n")
	}
}

// Conditions of a partition.
const (
	starting = "starting" // its position is not known yet
	copying  = "copying"
	paused   = "paused" // halted, and tried again
	halted   = "halted"
)

func (pp *PartitionProgress) condition() string {
	switch {
	case pp.Halt != nil && pp.Halt.Reason.passes():
		return paused
	case pp.Halt != nil:
		return halted
	case pp.Position < 0:
		return starting
	}
	return copying
}

// ownMetrics are those of the mirror as a whole.
func (m *Mirror) ownMetrics(p Progress) []family {
	flow := []string{"flow", m.settings.group}
	one := func(v float64) []sample { return []sample{{flow, v}} }
	count := make(map[string]int)
	for i := range p.Partitions {
		count[p.Partitions[i].condition()]++
	}
	var states []sample
	for _, c := range []string{starting, copying, paused, halted} {
		states = append(states, sample{append(flow[:2:2], "state", c), float64(count[c])})
	}
	var silences []sample
	for _, t := range m.throttles {
		silences = append(silences, sample{append(flow[:2:2], "side", t.side), t.sum().Seconds()})
	}
	return []family{
		{"schloss_mirror_info", "gauge", "The mirror (its group) and the ids of its clusters.", []sample{{append(flow[:2:2], "source", m.sourceID, "target", m.targetID), 1}}},
		{"schloss_mirror_start_time_seconds", "gauge", "When the mirror started.", one(float64(p.Since.UnixMilli()) / 1000)},
		{"schloss_mirror_rpo_seconds", "gauge", "Age of the oldest record that is not copied yet.", one(p.LagSeconds)},
		{"schloss_mirror_partitions", "gauge", "Partitions that this mirror has, by state.", states},
		{"schloss_mirror_throttled_seconds_total", "counter", "Time that quotas had connections be silent, by the side that has the quota.", silences},
	}
}

// partitionMetrics are those of each partition. What is not known is not there.
func partitionMetrics(p Progress) []family {
	fs := []family{
		{"schloss_mirror_records_total", "counter", "Records that the target has acknowledged.", nil},
		{"schloss_mirror_bytes_total", "counter", "Bytes of those, as batches, compressed as they are.", nil},
		{"schloss_mirror_left_out_records_total", "counter", "Records that are not copied because the target does not take them.", nil},
		{"schloss_mirror_position", "gauge", "Next source offset to copy; all before it is acknowledged.", nil},
		{"schloss_mirror_committed_position", "gauge", "Position that the source's group has.", nil},
		{"schloss_mirror_source_end", "gauge", "End of the source's log, as far as it may be read.", nil},
		{"schloss_mirror_lag_records", "gauge", "Offsets behind the source's end.", nil},
		{"schloss_mirror_lag_bytes", "gauge", "Bytes behind the source's end, by the mean size of records.", nil},
		{"schloss_mirror_lag_seconds", "gauge", "Age of the oldest record that is not copied yet; it grows while nothing moves.", nil},
		{"schloss_mirror_halted", "gauge", "Partitions that do not go on, by reason.", nil},
	}
	for i := range p.Partitions {
		pp := &p.Partitions[i]
		labels := []string{"topic", pp.Topic, "partition", strconv.Itoa(int(pp.Partition))}
		values := []float64{float64(pp.Records), float64(pp.Bytes), float64(pp.Dropped), float64(pp.Position), float64(pp.Committed),
			float64(pp.End), float64(pp.Lag), float64(pp.LagBytes), pp.LagSeconds}
		for j, v := range values {
			if v >= 0 {
				fs[j].samples = append(fs[j].samples, sample{labels, v})
			}
		}
		if pp.Halt != nil {
			f := &fs[len(fs)-1]
			f.samples = append(f.samples, sample{append(labels[:4:4], "reason", string(pp.Halt.Reason)), 1})
		}
	}
	return fs
}

// mirrorMaker2 begins the names of MirrorMaker 2's metrics, as the exporter of
// JMX beans writes them.
const mirrorMaker2 = "kafka_connect_mirror_mirrorsourceconnector_"

// mirrorMaker2Metrics are those of MirrorSourceConnector. Aliases of clusters,
// which we have none of, are their ids; ages are of batches, by their latest
// record.
func (m *Mirror) mirrorMaker2Metrics(p Progress) []family {
	var fs []family
	labels := func(pp *PartitionProgress) []string {
		return []string{"source", m.sourceID, "target", m.targetID, "topic", pp.Topic, "partition", strconv.Itoa(int(pp.Partition))}
	}
	add := func(name, kind, help string, value func(*PartitionProgress) float64) {
		f := family{mirrorMaker2 + name, kind, help, nil}
		for i := range p.Partitions {
			f.samples = append(f.samples, sample{labels(&p.Partitions[i]), value(&p.Partitions[i])})
		}
		fs = append(fs, f)
	}
	add("record_count", "counter", "Records copied.", func(pp *PartitionProgress) float64 { return float64(pp.Records) })
	add("record_rate", "gauge", "Records copied a second.", func(pp *PartitionProgress) float64 { return pp.RecordRate })
	add("byte_count", "counter", "Bytes copied.", func(pp *PartitionProgress) float64 { return float64(pp.Bytes) })
	add("byte_rate", "gauge", "Bytes copied a second.", func(pp *PartitionProgress) float64 { return pp.ByteRate })
	spread := func(name, help string, of func(*PartitionProgress) Spread) {
		all := spreads(mirrorMaker2+name, help)
		for i := range p.Partitions {
			pp := &p.Partitions[i]
			all.add(labels(pp), of(pp))
		}
		fs = append(fs, all...)
	}
	spread("record_age_ms", "Age of records when they were fetched, in milliseconds.", func(pp *PartitionProgress) Spread { return pp.Age })
	spread("replication_latency_ms", "Age of records when they were acknowledged, in milliseconds.", func(pp *PartitionProgress) Spread { return pp.Latency })
	return fs
}

// spreadFamilies are the four metrics of a spread: the last, the least, the
// largest, the mean.
type spreadFamilies []family

func spreads(name, help string) (all spreadFamilies) {
	for _, suffix := range []string{"", "_min", "_max", "_avg"} {
		all = append(all, family{name + suffix, "gauge", help, nil})
	}
	return all
}

// add adds one spread, unless it is empty.
func (all spreadFamilies) add(labels []string, s Spread) {
	if s.Count == 0 {
		return
	}
	for i, v := range []float64{float64(s.Last), float64(s.Min), float64(s.Max), float64(s.Sum) / float64(s.Count)} {
		all[i].samples = append(all[i].samples, sample{labels, v})
	}
}
