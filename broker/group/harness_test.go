package group

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"schloss/kafka"
)

var t0 = time.UnixMilli(1_700_000_000_000)

// harness is a broker around a coordinator: a clock, a log of records, and
// the appends that are not durable yet.
type harness struct {
	t   testing.TB
	c   *Coordinator
	cfg Config
	now time.Time

	log     map[kafka.Offset]Record
	end     kafka.Offset
	pending []Write // appended, not durable
	uuids   int

	// asked and answered count replies by what they answer.
	asked, answered map[string]int
}

func newHarness(t testing.TB) *harness {
	h := &harness{t: t, now: t0, log: make(map[kafka.Offset]Record), asked: make(map[string]int), answered: make(map[string]int)}
	h.cfg = Defaults(func() string { h.uuids++; return strconv.Itoa(h.uuids) })
	h.start()
	return h
}

// start loads a new coordinator from the log.
func (h *harness) start() {
	h.c = New(h.cfg)
	for o := kafka.Offset(0); o < h.end; o++ {
		if r, ok := h.log[o]; ok {
			if err := h.c.Load(o, r); err != nil {
				h.t.Fatalf("load our own record at %d: %v", o, err)
			}
		}
	}
	h.run(h.c.Start(h.now))
}

// run does what the broker does with effects, but for the appends' ends.
func (h *harness) run(fx Effects) {
	h.pending = append(h.pending, fx.Writes...)
	for _, r := range fx.Replies {
		r()
	}
}

// finish ends the oldest write.
func (h *harness) finish(code kafka.ErrorCode) { h.finishAll([]kafka.ErrorCode{code}, []int{0}) }

// finishAll ends the oldest writes with these codes, and tells of them in the
// given order of their indexes.
func (h *harness) finishAll(codes []kafka.ErrorCode, order []int) {
	writes := h.pending[:len(codes)]
	h.pending = h.pending[len(codes):]
	bases := make([]kafka.Offset, len(codes))
	for i, w := range writes {
		bases[i] = kafka.NoOffset
		if codes[i] == kafka.NoError {
			bases[i] = h.end
			for _, r := range w.Records {
				h.log[h.end] = r
				h.end++
			}
		}
	}
	for _, i := range order {
		h.run(h.c.Written(h.now, writes[i].ID, bases[i], codes[i]))
	}
}

// advance lets time pass, and does at each deadline what is due.
func (h *harness) advance(d time.Duration) {
	until := h.now.Add(d)
	for n := 0; ; n++ {
		due := h.c.Deadline()
		if due.IsZero() || due.After(until) {
			break
		}
		if n == 10000 {
			h.t.Fatalf("at %v: deadlines do not move on", h.now.Sub(t0))
		}
		if due.After(h.now) {
			h.now = due
		}
		h.run(h.c.Tick(h.now))
	}
	h.now = until
}

// call numbers a request; done checks that its reply comes once.
func (h *harness) call(what string) (done func()) {
	h.asked[what]++
	replied := false
	return func() {
		if replied {
			h.t.Fatalf("%s is answered twice", what)
		}
		replied = true
		h.answered[what]++
	}
}

// describeRecord prints a record as the scripts show it.
func describeRecord(r Record) string {
	k, err := decodeKey(r.Key)
	if err != nil {
		return err.Error()
	}
	name := k.group
	if k.kind != groupKeyV2 {
		name += " " + k.partition.String()
	}
	switch {
	case r.Value == nil:
		return name + " tombstone"
	case k.kind == groupKeyV2:
		v, err := decodeGroupValue(r.Value)
		if err != nil {
			return err.Error()
		}
		out := fmt.Sprintf("%s generation=%d protocol=%s leader=%s", name, v.generation, v.protocol, v.leader)
		for _, m := range v.members {
			out += fmt.Sprintf(" %s=%s", m.id, m.assignment)
		}
		return out
	}
	v, err := decodeOffsetValue(r.Value)
	if err != nil {
		return err.Error()
	}
	return strings.TrimRight(fmt.Sprintf("%s offset=%d %s", name, v.offset, v.metadata), " ")
}
