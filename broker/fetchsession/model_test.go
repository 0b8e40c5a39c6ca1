package fetchsession

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"schloss/kafka"
)

// model is a session as Kafka keeps one: every partition in one list, all of
// which each fetch walks.
type model struct {
	order []string
	known map[string]*modelPartition
}

type modelPartition struct {
	offset, told, toldStart kafka.Offset
}

// log is a partition of the broker that both read.
type log struct {
	start, end kafka.Offset
	failed     bool
}

// play has a session and the model go the same way, as data says, and compares
// what they look at and tell.
func play(t *testing.T, data []byte) {
	const topics, partitions = 3, 4
	s := New[string](false)
	m := &model{known: make(map[string]*modelPartition)}
	logs := make(map[string]*log)
	byName := make(map[string]*Partition[string])
	next := func() int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b)
	}
	for step := 0; len(data) > 0; step++ {
		op := next()
		topic, index := fmt.Sprint("t", next()%topics), int32(next()%partitions)
		name := fmt.Sprintf("%s-%d", topic, index)
		l := logs[name]
		if l == nil {
			l = &log{}
			logs[name] = l
		}
		news := func() { // what the replica would do
			if p := byName[name]; p != nil {
				s.Look(p)
			}
		}
		switch op % 8 {
		case 0, 1:
			offset := kafka.Offset(next() % 20)
			byName[name] = s.Ask(topic, kafka.TopicID{}, index, Ask{Offset: offset})
			m.ask(name, offset)
		case 2:
			s.Forget(topic, kafka.TopicID{}, index)
			delete(byName, name)
			m.forget(name)
		case 3:
			l.end += kafka.Offset(1 + next()%3)
			news()
		case 4:
			l.start = min(l.start+1, l.end)
			news()
		case 5:
			l.failed = !l.failed
			news()
		default:
			batches := next() % 4
			got, want := fetchFrom(s, logs, batches), m.fetch(logs, batches)
			if got != want {
				t.Fatalf("step %d: the session tells %s, want %s", step, got, want)
			}
		}
		if s.Size() != len(m.known) {
			t.Fatalf("step %d: %d partitions, want %d", step, s.Size(), len(m.known))
		}
	}
}

// read is what a fetch finds; batches are how many partitions may still give
// records.
func (l *log) read(offset kafka.Offset, batches *int) Found {
	if l.failed || offset < l.start || offset > l.end {
		return Found{HighWatermark: kafka.NoOffset, LogStart: kafka.NoOffset, Failed: true}
	}
	f := Found{HighWatermark: l.end, LogStart: l.start, More: offset < l.end}
	if f.More && *batches > 0 {
		*batches--
		f.Records = true
	}
	return f
}

func (f Found) line(name string) string {
	return fmt.Sprintf(" %s:%d,%d,%v,%v", name, f.HighWatermark, f.LogStart, f.Records, f.Failed)
}

func fetchFrom(s *Session[string], logs map[string]*log, batches int) string {
	var out strings.Builder
	for _, p := range slices.Clone(s.Hot()) {
		name := fmt.Sprintf("%s-%d", p.Topic.Name, p.Index)
		f := logs[name].read(p.Offset, &batches)
		if s.Answered(p, f) {
			out.WriteString(f.line(name))
		}
	}
	return out.String()
}

func (m *model) ask(name string, offset kafka.Offset) {
	if p := m.known[name]; p != nil {
		p.offset = offset
		return
	}
	m.known[name] = &modelPartition{offset: offset, told: kafka.NoOffset, toldStart: kafka.NoOffset}
	m.order = append(m.order, name)
}

func (m *model) forget(name string) {
	delete(m.known, name)
	m.order = slices.DeleteFunc(m.order, func(o string) bool { return o == name })
}

func (m *model) fetch(logs map[string]*log, batches int) string {
	var out strings.Builder
	for _, name := range slices.Clone(m.order) {
		p := m.known[name]
		f := logs[name].read(p.offset, &batches)
		if f.Records || f.Failed || f.HighWatermark != p.told || f.LogStart != p.toldStart {
			out.WriteString(f.line(name))
		}
		p.told, p.toldStart = f.HighWatermark, f.LogStart
		if f.Records {
			m.order = append(slices.DeleteFunc(m.order, func(o string) bool { return o == name }), name)
		}
	}
	return out.String()
}

func FuzzSession(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 3, 0, 0, 2, 6, 0, 0, 3, 6, 0, 0, 3})
	f.Add([]byte{0, 0, 0, 5, 6, 0, 0, 1, 3, 0, 0, 9, 6, 0, 0, 0, 2, 0, 0, 6, 0, 0, 0})
	f.Add([]byte{0, 1, 1, 0, 0, 1, 2, 0, 3, 1, 1, 3, 1, 2, 6, 1, 1, 1, 6, 1, 1, 1, 5, 1, 1, 6, 0, 0, 2, 5, 1, 1, 6, 0, 0, 2})
	f.Fuzz(play)
}

// TestTheSessionIsAsKafkas plays at random what FuzzSession plays as it is
// told.
func TestTheSessionIsAsKafkas(t *testing.T) {
	for seed := range uint64(100) {
		play(t, random(seed, 2000))
	}
}
