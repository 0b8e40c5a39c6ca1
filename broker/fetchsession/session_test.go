package fetchsession

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"schloss/kafka"
)

func TestEpochs(t *testing.T) {
	for _, tt := range []struct {
		name  string
		epoch int32
		byID  bool
		want  kafka.ErrorCode
	}{
		{"the next one", 1, false, kafka.NoError},
		{"one that was", 0, false, kafka.ErrInvalidFetchSessionEpoch},
		{"one that is to come", 2, false, kafka.ErrInvalidFetchSessionEpoch},
		{"one that cannot be", -2, false, kafka.ErrInvalidFetchSessionEpoch},
		{"topics named by id", 1, true, kafka.ErrFetchSessionTopicIDError},
		{"a wrong epoch and topics named by id", 7, true, kafka.ErrInvalidFetchSessionEpoch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := New[int](false).Check(tt.epoch, tt.byID); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	s := New[int](false)
	s.epoch = math.MaxInt32
	if got := s.Advance(); got != 1 {
		t.Errorf("after the largest epoch comes %d, want 1", got)
	}
}

func TestWhatIsTold(t *testing.T) {
	known := Found{HighWatermark: 10, LogStart: 2}
	with := func(change func(*Found)) Found {
		f := known
		change(&f)
		return f
	}
	for _, tt := range []struct {
		name      string
		before    []Found
		found     Found
		told, hot bool
	}{
		{"the first time", nil, known, true, false},
		{"nothing new", []Found{known}, known, false, false},
		{"records", []Found{known}, with(func(f *Found) { f.Records = true }), true, true},
		{"records that did not fit", []Found{known}, with(func(f *Found) { f.More = true }), false, true},
		{"another high watermark", []Found{known}, with(func(f *Found) { f.HighWatermark = 11 }), true, false},
		{"another log start", []Found{known}, with(func(f *Found) { f.LogStart = 3 }), true, false},
		{"a reader that diverges", []Found{known}, with(func(f *Found) { f.Diverging = true }), true, true},
		{"an error", []Found{known}, Found{HighWatermark: -1, LogStart: -1, Failed: true}, true, true},
		{"an error again", []Found{known, {HighWatermark: -1, LogStart: -1, Failed: true}}, Found{HighWatermark: -1, LogStart: -1, Failed: true}, true, true},
		{"an error that went", []Found{known, {HighWatermark: 10, LogStart: 2, Failed: true}}, known, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New[int](false)
			p := s.Ask("t", kafka.TopicID{}, 0, Ask{})
			for _, f := range tt.before {
				s.Answered(p, f)
			}
			if got := s.Answered(p, tt.found); got != tt.told {
				t.Errorf("told is %v, want %v", got, tt.told)
			}
			if got := len(s.Hot()) == 1; got != tt.hot {
				t.Errorf("hot is %v, want %v", got, tt.hot)
			}
		})
	}
}

func TestSizeAndLimitsFollowThePartitions(t *testing.T) {
	s := New[int](true)
	id := kafka.TopicID{1}
	if got := s.Growth("", id, 0); got != topicBytes+partitionBytes {
		t.Errorf("a new topic would take %d", got)
	}
	s.Ask("", id, 0, Ask{MaxBytes: 100})
	if got := s.Growth("", id, 1); got != partitionBytes {
		t.Errorf("a new partition would take %d", got)
	}
	s.Ask("", id, 1, Ask{MaxBytes: -5})
	s.Ask("", id, 0, Ask{MaxBytes: 30})
	if s.Growth("", id, 0) != 0 || s.Size() != 2 || s.Limits() != 30 || s.Bytes() != topicBytes+2*partitionBytes {
		t.Errorf("%d partitions, %d bytes, limits %d", s.Size(), s.Bytes(), s.Limits())
	}
	if p := s.Forget("", id, 7); p != nil {
		t.Error("a partition that was never asked for is forgotten")
	}
	s.Forget("", id, 0)
	if p := s.Forget("", id, 0); p != nil {
		t.Error("a partition is forgotten twice")
	}
	s.Forget("", id, 1)
	if s.Size() != 0 || s.Bytes() != 0 || s.Limits() != 0 || len(s.topics) != 0 || len(s.Hot()) != 0 {
		t.Errorf("an empty session has %d partitions, %d bytes, limits %d, %d topics", s.Size(), s.Bytes(), s.Limits(), len(s.topics))
	}
}

// TestNoPartitionStarves lets one partition of many give records at a time.
func TestNoPartitionStarves(t *testing.T) {
	const partitions = 7
	s := New[int](false)
	for i := range int32(partitions) {
		s.Ask("t", kafka.TopicID{}, i, Ask{})
	}
	var order []string
	for range 3 * partitions {
		for i, p := range slices.Clone(s.Hot()) {
			if i == 0 {
				order = append(order, fmt.Sprint(p.Index))
			}
			s.Answered(p, Found{Records: i == 0, More: i > 0})
		}
	}
	if got, want := strings.Join(order, ""), strings.Repeat("0123456", 3); got != want {
		t.Errorf("records came from partitions %s, want %s", got, want)
	}
}

// TestIdlePartitionsCostNothing says how much of a session a fetch looks at.
func TestIdlePartitionsCostNothing(t *testing.T) {
	s := New[int](false)
	var all []*Partition[int]
	for i := range int32(1000) {
		all = append(all, s.Ask("t", kafka.TopicID{}, i, Ask{}))
	}
	for _, p := range slices.Clone(s.Hot()) {
		s.Answered(p, Found{})
	}
	if got := len(s.Hot()); got != 0 {
		t.Errorf("%d idle partitions are looked at", got)
	}
	s.Look(all[7])
	s.Look(all[7])
	if hot := s.Hot(); len(hot) != 1 || hot[0] != all[7] {
		t.Errorf("%d partitions are looked at, want the one with news", len(hot))
	}
	if got := testing.AllocsPerRun(100, func() { s.Look(all[7]); s.Answered(s.Hot()[0], Found{}) }); got != 0 {
		t.Errorf("a fetch allocates %v times", got)
	}
}
