package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"schloss/client/doctor"
	"schloss/kafka/batch"
)

// fuzzSession is a session that prints to nowhere and has its home in dir.
func fuzzSession(dir string) *session {
	stdio := IO{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Env: func(name string) string {
		if name == "XDG_CONFIG_HOME" {
			return dir
		}
		return ""
	}}
	return &session{IO: stdio, voice: voice{err: io.Discard}, name: "schloss", program: "schloss"}
}

func fuzzFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// FuzzDumpLog: kafka-dump-log meets files of every suffix, with anything in them
// and in the log beside them, under every decoder.
func FuzzDumpLog(f *testing.F) {
	b := batch.NewBuilder(batch.None)
	b.Add(batch.Record{Key: []byte("k"), Value: []byte("v")})
	log, err := b.Build()
	if err != nil {
		f.Fatal(err)
	}
	for kind := range uint8(5) {
		f.Add(kind, []byte(log), []byte{0, 0, 0, 0, 0, 0, 0, 0})
		f.Add(kind, []byte(log), make([]byte, 2*timeEntry))
	}
	f.Add(uint8(3), []byte{}, append([]byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, make([]byte, producerEntry)...))
	f.Add(uint8(4), []byte{}, make([]byte, transactionEntry))
	dir := f.TempDir()
	path := func(suffix string) string { return filepath.Join(dir, "00000000000000000000"+suffix) }
	suffixes := []string{".log", ".index", ".timeindex", ".snapshot", ".txnindex"}
	modes := []string{"--print-data-log", "--deep-iteration", "--offsets-decoder", "--transaction-log-decoder",
		"--cluster-metadata-decoder", "--index-sanity-check", "--verify-index-only", "--skip-record-metadata"}
	f.Fuzz(func(t *testing.T, kind uint8, log, other []byte) {
		fuzzFile(t, path(".log"), log)
		target := path(suffixes[int(kind)%len(suffixes)])
		if filepath.Ext(target) != ".log" {
			fuzzFile(t, target, other)
		}
		for _, mode := range modes {
			dumpLog.main(context.Background(), fuzzSession(dir), []string{"--files", target, mode})
		}
	})
}

// FuzzToolArguments: what the tools with a grammar of their own make of their
// command lines, before anything is dialled.
func FuzzToolArguments(f *testing.F) {
	f.Add("--topic\na\n--num-records\n1\n--throughput\n-1\n--record-size\n1\n--producer-props\nacks=1\nx")
	f.Add("--topic\na\n--num-records\n1\n--throughput\nNaN\n--payload-monotonic\n--transaction-duration-ms\n0")
	f.Add("--add\n--allow-principal\nUser:CN=a,O=b\n--operation\nread\n--topic\n*\n--resource-pattern-type\nprefixed\n--allow-host\n::1")
	f.Add("--topic-partitions\na:0,b:1-,c:-3,:5\n--time\n-1")
	f.Add("--messages\n5\n--topic\na\n--bootstrap-server\n:0")
	f.Add("--all-topics\n--reset-offsets\n--topic\na:0,1,2\n--by-duration\nP1DT1S\n--group\ng")
	f.Add("--bootstrap-server\nh\n--topic\nt\n--reader-property\nparse.key=true\n--timeout\n1\n--property\n=")
	s := fuzzSession(f.TempDir())
	f.Fuzz(func(t *testing.T, line string) {
		for _, tool := range tools {
			o, _, err := parseFlags(append(tool.flags[:len(tool.flags):len(tool.flags)], commonFlags...), strings.Split(line, "\n"))
			if err != nil {
				continue
			}
			switch tool {
			case producerPerf:
				if o.get("payload-file") == "" && !o.has("command-config") && !o.has("producer.config") { // no files by a name that is made up
					_, _, _ = producerPerfPlan(s, o)
				}
			case consumerPerf:
				_ = checkConsumerPerf(o)
			case acls:
				_, _ = parseACLRequest(o)
			case getOffsets:
				_, _ = partitionRules(o)
			case consoleProducer:
				_, _ = readerFormat(o)
			}
		}
	})
}

// FuzzPlanFile: the file of kafka-consumer-groups --from-file.
func FuzzPlanFile(f *testing.F) {
	f.Add("g,t,0,5\n")
	f.Add("t,0,5\r\n\n\"t\n\",1,-1\n")
	f.Add("g,t,0,5\ng,t,0,6\n\"")
	path := filepath.Join(f.TempDir(), "plan.csv")
	o, _, err := parseFlags(consumerGroups.flags, []string{"--group", "g"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fuzzFile(t, path, []byte(text))
		plan, err := (&groupRun{options: o}).planFile(path)
		lines := 0
		for _, offsets := range plan {
			lines += len(offsets)
		}
		if err == nil && lines > strings.Count(text, "\n")+strings.Count(text, "\r")+1 {
			t.Errorf("%d offsets of %q", lines, text)
		}
	})
}

// FuzzPayloadFile: the records of kafka-producer-perf-test --payload-file.
func FuzzPayloadFile(f *testing.F) {
	f.Add("a\nb\n", `\n`)
	f.Add("a||b", `\|`)
	f.Add("ab", "")
	f.Add("a", "(")
	dir := f.TempDir()
	path := filepath.Join(dir, "payload")
	f.Fuzz(func(t *testing.T, text, delimiter string) {
		if delimiter == "" || len(delimiter) > 100 || strings.ContainsAny(delimiter, "\n") {
			return
		}
		fuzzFile(t, path, []byte(text))
		o, _, err := parseFlags(producerPerf.flags, []string{"--payload-file", path, "--payload-delimiter=" + delimiter})
		if err != nil {
			return
		}
		p, err := readPayload(fuzzSession(dir), o)
		if err == nil && len(p.lines) == 0 {
			t.Errorf("no record in %q by %q", text, delimiter)
		}
	})
}

// FuzzProfiles: what is read is written, and read again the same.
func FuzzProfiles(f *testing.F) {
	f.Add([]byte(`{"current":"a","profiles":{"a":{"bootstrap_server":"h:1","command_config":"f","read_only":true,"output":"json"}}}`))
	f.Add([]byte(`{"profiles":null}`))
	f.Add([]byte(`{"current":"a"} {}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		s := fuzzSession(dir)
		fuzzFile(t, filepath.Join(dir, "schloss", "profiles.json"), text)
		p, err := s.readProfiles()
		if err != nil {
			return
		}
		if err := p.write(); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		again, err := s.readProfiles()
		if err != nil || again.Current != p.Current || len(again.Profiles) != len(p.Profiles) {
			t.Errorf("%q: read %v, then %v, %v", text, p, again, err)
		}
	})
}

// FuzzValues: the texts that options take.
func FuzzValues(f *testing.F) {
	for _, text := range []string{"2026-01-31T12:00:00.000+01:00", "P1DT2H3M4.5S", "-PT1H", "@-1h30m", "@1769860800000", "+5", "-1", "t:0-3", ":1-",
		"0:1,1:0", "AAAAAAAAAAAAAAAAAAAAAA", "yyyy-MM-dd'T'HH:mm:ss.SSS", "produce:t", "consume:t:g", "max-timestamp", "9223372036854775808", "PT9223372036854775807S"} {
		f.Add(text)
	}
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = parseDatetime(text)
		_, _ = parseDuration(text)
		_, _ = parsePlace(text, now)
		_, _ = parseTime(text)
		_, _ = parseTopicID(text)
		_, _ = parseAssignment(text)
		if format, err := parseDateFormat(text); err == nil {
			_ = format
		}
		if rule, err := parseRule(text); err == nil && rule.from >= 0 && rule.below <= rule.from && rule.matches("t", int32(min(rule.from, 1<<30))) {
			t.Errorf("%q selects what it leaves out", text)
		}
		_, _ = doctor.ParseTask(text)
	})
}
