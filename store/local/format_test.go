package local

import (
	"fmt"
	"testing"

	"schloss/internal/disk"
	"schloss/kafka"
	"schloss/kafka/batch"
	"schloss/store"
)

func TestParsePartition(t *testing.T) {
	cases := map[string]kafka.TopicPartition{
		"a-0": {Topic: "a"}, "a-b-12": {Topic: "a-b", Partition: 12}, "a--1": {Topic: "a-", Partition: 1},
		"a": {}, "-0": {}, "a-": {}, "a-01": {}, "a-x": {}, "a-3000000000": {},
		"a-0.00000000000000000000000000000000-delete": {}, "a-0.00000000000000000000000000000000-stray": {},
	}
	for name, want := range cases {
		got, ok := parsePartition(name)
		if ok != (want.Topic != "") || ok && got != want {
			t.Errorf("%q: got %v, %v, want %v", name, got, ok, want)
		}
	}
}

func TestEpochs(t *testing.T) {
	e := epochs{}.with(1, 0).with(1, 5).with(4, 10).with(3, 12).with(6, 20)
	if got := fmt.Sprint(e); got != "[{1 0} {4 10} {6 20}]" {
		t.Errorf("with: got %s", got)
	}
	if got := fmt.Sprint(e.before(20), e.before(11), e.before(0)); got != "[{1 0} {4 10}] [{1 0} {4 10}] []" {
		t.Errorf("before: got %s", got)
	}
	if got := fmt.Sprint(e.from(0), e.from(5), e.from(10), e.from(25)); got != "[{1 0} {4 10} {6 20}] [{1 5} {4 10} {6 20}] [{4 10} {6 20}] [{6 25}]" {
		t.Errorf("from: got %s", got)
	}
	back, err := parseEpochs(e.format())
	if err != nil || fmt.Sprint(back) != fmt.Sprint(e) {
		t.Errorf("parse: got %v, %v, want %v", back, err, e)
	}
}

func TestIndexSearch(t *testing.T) {
	fs := newFiles(disk.NewFake(1), 10, 0)
	f := fs.at("/index")
	if err := f.create(); err != nil {
		t.Fatal(err)
	}
	x := newIndex[position](f)
	const n = 3*tailEntries + 100 // some stored, some in memory
	for i := range n {
		if err := x.add(position{offset: int32(10 * i), at: int32(100 * i)}); err != nil {
			t.Fatal(err)
		}
	}
	if v := x.view.Load(); v.stored != 3*tailEntries || len(v.tail) != 100 {
		t.Fatalf("got %d stored, %d in memory", v.stored, len(v.tail))
	}
	for want := int32(-5); want < 10*n+20; want += 5 {
		p, ok, err := x.search(func(p position) bool { return p.offset <= want })
		if err != nil || ok != (want >= 0) || ok && p.offset != min(want/10*10, 10*(n-1)) {
			t.Fatalf("search %d: got %+v, %v, %v", want, p, ok, err)
		}
	}
}

func TestFilesStayBounded(t *testing.T) {
	fs := newFiles(disk.NewFake(1), 4, 0)
	var all []*file
	for i := range 20 {
		f := fs.at(fmt.Sprint("/", i))
		if err := f.create(); err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	if fs.open != 4 {
		t.Errorf("idle files open: got %d, want 4", fs.open)
	}
	for _, f := range all[:10] { // in use: all may be open
		if _, err := f.acquire(); err != nil {
			t.Fatal(err)
		}
	}
	if fs.open != 14 && fs.open != 10 {
		t.Errorf("ten in use: got %d open", fs.open)
	}
	all[0].forget()
	if _, err := all[0].handle.Size(); err != nil {
		t.Errorf("a file in use was closed when it was forgotten: %v", err)
	}
	if _, err := all[0].acquire(); err != errGone {
		t.Errorf("acquire after forget: got %v, want %v", err, errGone)
	}
	for _, f := range all[:10] {
		f.release()
	}
	if fs.open != 4 {
		t.Errorf("all idle again: got %d open, want 4", fs.open)
	}
}

func FuzzCheckpoint(f *testing.F) {
	f.Add([]byte("0\n1\ntopic 3 77\n"))
	f.Add([]byte("0\n2\n1 0\n5 10\n"))
	f.Add([]byte("0\n-1\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if p, err := parsePoints(content); err == nil {
			if back, err := parsePoints(p.format()); err != nil || len(back) != len(p) {
				t.Errorf("points: got %v, %v, want %v", back, err, p)
			}
		}
		if e, err := parseEpochs(content); err == nil {
			if back, err := parseEpochs(e.format()); err != nil || len(back) != len(e) {
				t.Errorf("epochs: got %v, %v, want %v", back, err, e)
			}
		}
	})
}

func FuzzMetadataRecord(f *testing.F) {
	f.Add([]byte(`{"type":"topic","topic":"a"}`), []byte(`{"id":"AQAAAAAAAAAAAAAAAAAAAA","partitions":3}`))
	f.Add([]byte(`{"type":"acl","binding":{"resourceType":"TOPIC","name":"a","patternType":"LITERAL","principal":"User:a","host":"*","operation":"READ","permission":"ALLOW"}}`), []byte(`{}`))
	f.Add([]byte(`{"type":"boot"}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		d := draftOf(newImage())
		if err := d.apply(batch.Record{Key: key, Value: value}); err == nil {
			d.image()
		}
	})
}

// FuzzRecover opens a log whose active segment and indexes are anything. It
// must open, or say that it is damaged; and what it serves must be whole.
func FuzzRecover(f *testing.F) {
	b := batch.NewBuilder(batch.None)
	b.Add(batch.Record{Key: []byte("a"), Value: []byte("b")})
	one, err := b.Build()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(one), []byte{}, []byte{}, true)
	f.Add(append([]byte(one), make([]byte, 600)...), []byte{0, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 12), false)
	f.Add([]byte(one)[:50], []byte{0, 0, 0, 1, 0, 0, 0, 9}, []byte{1}, true)
	f.Fuzz(func(t *testing.T, log, offsets, times []byte, clean bool) {
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
		write("/data/t-0/00000000000000000000.log", log)
		write("/data/t-0/00000000000000000000.index", offsets)
		write("/data/t-0/00000000000000000000.timeindex", times)
		if clean {
			write("/data/"+markerFile, nil)
		}
		s, err := Open(fs, []string{"/data"}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		l, _, err := s.Logs().Open(kafka.TopicPartition{Topic: "t"}, kafka.TopicID{1}, store.LogConfig{}, nil, false)
		if err != nil {
			return
		}
		for from := l.Start(); from < l.End(); {
			got, err := l.Read(nil, from, l.End(), 100, true)
			if err != nil || len(got) == 0 {
				break // an index may lie after a clean shutdown; then reads say so
			}
			from = batch.Batch(got).NextOffset()
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
