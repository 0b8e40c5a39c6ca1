package local

import (
	"testing"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
)

// anyReplica takes any snapshot that is not empty, and replays in silence.
type anyReplica struct{}

func (anyReplica) Snapshot() []byte          { return []byte{1} }
func (anyReplica) Restore([]byte) error      { return nil }
func (anyReplica) Replay(batch.Header) error { return nil }

// FuzzDirectory opens a data directory whose files beside the segments are
// anything. It must open, or say what is wrong; and what it serves lies between
// its start and its end.
func FuzzDirectory(f *testing.F) {
	b := batch.NewBuilder(batch.None)
	for i := range 3 {
		b.Add(batch.Record{Offset: kafka.Offset(i), Value: []byte("v")})
	}
	log, err := b.Build()
	if err != nil {
		f.Fatal(err)
	}
	point, epochs := []byte("0\n1\nt 0 3\n"), []byte("0\n1\n0 0\n")
	f.Add([]byte(log), point, point, epochs, []byte{1}, []byte("version: 0\ntopic_id: AQAAAAAAAAAAAAAAAAAAAA\n"), true)
	f.Add([]byte(log), []byte("0\n1\nt 0 99\n"), []byte("0\n1\nt 0 -9223372036854775808\n"), []byte("0\n1\n5 9223372036854775807\n"), []byte{}, []byte{}, false)
	f.Add([]byte(log), []byte("0\n0\n"), []byte("0\n1\nt 0 9223372036854775807\n"), []byte("0\n2\n0 0\n1 2\n"), []byte{1}, []byte("x"), true)
	f.Add([]byte(log), []byte("1\n"), []byte{}, []byte("0\n-1\n"), []byte{1}, []byte{}, false)
	f.Fuzz(func(t *testing.T, log, recovery, start, epochs, snapshot, metadata []byte, clean bool) {
		fs := disk.NewFake(1)
		write := func(name string, content []byte) {
			if err := disk.WriteFile(fs, name, content); err != nil {
				t.Fatal(err)
			}
		}
		for _, dir := range []string{"/data", "/data/t-0"} {
			if err := fs.Mkdir(dir); err != nil {
				t.Fatal(err)
			}
		}
		write("/data/"+recoveryFile, recovery)
		write("/data/"+startFile, start)
		write("/data/t-0/00000000000000000000.log", log)
		write("/data/t-0/00000000000000000003.snapshot", snapshot)
		write("/data/t-0/"+epochFile, epochs)
		if len(metadata) > 0 {
			write("/data/t-0/partition.metadata", metadata)
		}
		if clean {
			write("/data/"+markerFile, nil)
		}
		s, err := Open(fs, []string{"/data"}, Options{})
		if err != nil {
			return
		}
		l, _, err := s.Logs().Open(kafka.TopicPartition{Topic: "t"}, kafka.TopicID{1}, store.LogConfig{}, anyReplica{}, false)
		if err == nil {
			if l.Start() < 0 || l.Start() > l.End() {
				t.Errorf("the log starts at %d and ends at %d", l.Start(), l.End())
			}
			got, err := l.Read(nil, l.Start(), l.End(), 100, true)
			if l.Start() < l.End() && !clean && (err != nil || len(got) == 0) {
				t.Errorf("from %d to %d: read %d bytes, %v", l.Start(), l.End(), len(got), err)
			}
			for _, e := range []kafka.Epoch{-1, 0, 1, 5} {
				if _, end := l.EpochEnd(e); end > l.End() {
					t.Errorf("epoch %d ends at %d, the log at %d", e, end, l.End())
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
