package mirror

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// note is a Copy that writes down what it is told.
type note struct {
	name  string
	batch batch.Batch
	told  []string

	partition int32
	log       *[]string
}

func (n *note) Batch() batch.Batch { return n.batch }

func (n *note) Partition() int32 { return n.partition }

func (n *note) Done(_ kafka.Offset, err error) {
	text := "ok"
	switch {
	case errors.Is(err, errAppenderClosed):
		text = "closed"
	case err != nil:
		text = "failed"
	}
	*n.log = append(*n.log, n.name+":"+text)
}

// bench runs an outbox by hand.
type bench struct {
	t   *testing.T
	box *outbox
	out map[string]*parcel // under way, by name
	log []string
	now time.Time
}

func newBench(t *testing.T, batches int) *bench {
	b := &bench{t: t, out: make(map[string]*parcel), now: time.Unix(1_700_000_000, 0)}
	b.box = &outbox{tp: kafka.TopicPartition{Topic: "t"}, window: maxInFlight, who: &identity{id: 9, epoch: 1}, node: -1}
	var copies []Copy
	for i := range batches {
		name := string(rune('a' + i))
		copies = append(copies, &note{name: name, batch: made{base: 500, records: 10, producer: 3, value: name}.build(t), log: &b.log})
	}
	b.box.add(copies)
	return b
}

// send takes all that may leave and returns name and sequence number of each.
func (b *bench) send() string {
	var sent []string
	for b.box.ready() {
		p := b.box.take(b.now)
		n := p.copy.(*note)
		b.out[n.name] = p
		if err := n.batch.Check(); err != nil {
			b.t.Errorf("batch %s would be refused: %v", n.name, err)
		}
		h := n.batch.Header()
		if h.BaseOffset != 0 || h.LeaderEpoch != kafka.NoEpoch || h.Attributes.Transactional() {
			b.t.Errorf("batch %s leaves as %+v", n.name, h)
		}
		sent = append(sent, fmt.Sprintf("%s%d", n.name, h.BaseSequence))
	}
	return strings.Join(sent, " ")
}

func (b *bench) answer(name string, err error) action {
	did := b.box.answer(b.out[name], kafka.NoOffset, err, b.now)
	b.tell()
	return did
}

func (b *bench) tell() {
	done := b.box.report()
	for _, f := range done {
		f.copy.Done(f.base, f.err)
	}
	b.box.told(len(done))
}

func (b *bench) want(what, got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func (b *bench) told(want ...string) {
	b.t.Helper()
	if !slices.Equal(b.log, want) {
		b.t.Errorf("told %v, want %v", b.log, want)
	}
}

var errNetwork = errors.New("connection reset")

func TestOutboxWindow(t *testing.T) {
	b := newBench(t, 8)
	b.want("the first one alone", b.send(), "a0")
	b.answer("a", nil)
	b.want("five at a time", b.send(), "b10 c20 d30 e40 f50")
	b.answer("b", nil)
	b.want("one more", b.send(), "g60")
	b.told("a:ok", "b:ok")
}

func TestOutboxRetriesInOrder(t *testing.T) {
	for _, failure := range []error{errNetwork, kafka.ErrNotLeaderOrFollower, kafka.ErrRequestTimedOut, kafka.ErrNotEnoughReplicas, kafka.ErrNotEnoughReplicasAfterAppend} {
		b := newBench(t, 5)
		b.send()
		b.answer("a", nil)
		b.send()
		if did := b.answer("b", failure); did != nothing {
			t.Errorf("%v: acted before all was answered", failure)
		}
		b.want("nothing leaves while answers are due", b.send(), "")
		b.answer("c", kafka.ErrOutOfOrderSequenceNumber)
		b.answer("d", kafka.ErrOutOfOrderSequenceNumber)
		if did := b.answer("e", kafka.ErrOutOfOrderSequenceNumber); did != rest {
			t.Errorf("%v: got action %v, want a rest", failure, did)
		}
		b.want("the same again", b.send(), "b10 c20 d30 e40")
		for _, name := range []string{"b", "c", "d", "e"} {
			b.answer(name, nil)
		}
		b.told("a:ok", "b:ok", "c:ok", "d:ok", "e:ok")
	}
}

func TestOutboxDuplicateIsSuccess(t *testing.T) {
	b := newBench(t, 1)
	b.send()
	b.answer("a", kafka.ErrDuplicateSequenceNumber)
	b.told("a:ok")
}

// A broker that is slow to replicate answers the first with a time-out and
// acknowledges the second: the first goes again, the second does not.
func TestOutboxKeepsWhatWasAcknowledgedOutOfOrder(t *testing.T) {
	b := newBench(t, 4)
	b.send()
	b.answer("a", nil)
	b.send()
	b.answer("b", kafka.ErrRequestTimedOut)
	b.answer("c", nil)
	if did := b.answer("d", kafka.ErrRequestTimedOut); did != rest {
		t.Errorf("got action %v, want a rest", did)
	}
	b.want("what is missing", b.send(), "b10 d30")
	b.answer("b", nil)
	b.answer("d", nil)
	b.told("a:ok", "b:ok", "c:ok", "d:ok")
}

func TestOutboxTakesANewIdentity(t *testing.T) {
	for _, code := range []kafka.ErrorCode{kafka.ErrOutOfOrderSequenceNumber, kafka.ErrUnknownProducerID, kafka.ErrInvalidProducerEpoch} {
		b := newBench(t, 3)
		b.send()
		b.answer("a", nil)
		b.send()
		b.answer("b", code)
		if did := b.answer("c", code); did != identify {
			t.Errorf("%v: got action %v, want a new identity", code, did)
		}
		b.want("nobody sends without one", b.send(), "")
		b.box.who = &identity{id: 10}
		b.want("from 0, the first alone", b.send(), "b0")
		if id := b.out["b"].copy.Batch().ProducerID(); id != 10 {
			t.Errorf("sent as producer %d, want 10", id)
		}
		b.answer("b", nil)
		b.want("and on", b.send(), "c10")
		b.answer("c", nil)
		b.told("a:ok", "b:ok", "c:ok")
	}
}

func TestOutboxRefusal(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		told []string
	}{
		{"ends all", kafka.ErrMessageTooLarge, []string{"a:ok", "b:failed", "c:failed", "d:failed"}},
		{"damage is not retried", kafka.ErrCorruptMessage, []string{"a:ok", "b:failed", "c:failed", "d:failed"}},
		{"that is not the batch's fault ends all", kafka.ErrPolicyViolation, []string{"a:ok", "b:failed", "c:failed", "d:failed"}},
		{"by the access rules ends all", kafka.ErrTopicAuthorizationFailed, []string{"a:ok", "b:failed", "c:failed", "d:failed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, 4)
			b.send()
			b.answer("a", nil)
			b.send()
			b.answer("b", test.err)
			b.answer("c", kafka.ErrOutOfOrderSequenceNumber)
			b.answer("d", kafka.ErrOutOfOrderSequenceNumber)
			b.told(test.told...)
			b.want("nothing else leaves", b.send(), "")
			late := &note{name: "z", batch: made{records: 1}.build(t), log: &b.log}
			b.box.add([]Copy{late})
			if got := len(b.box.report()); got != 1 {
				t.Errorf("a later batch: %d were told of, want that it failed too", got)
			}
		})
	}
}

func TestOutboxPatience(t *testing.T) {
	b := newBench(t, 1)
	b.box.patience = time.Minute
	b.send()
	if did := b.answer("a", errNetwork); did != rest {
		t.Errorf("got action %v, want a rest", did)
	}
	b.now = b.now.Add(2 * time.Minute)
	b.send()
	b.answer("a", errNetwork)
	b.told("a:failed")
}

func TestOutboxClose(t *testing.T) {
	b := newBench(t, 4)
	b.send()
	b.answer("a", nil)
	b.box.window = 2
	b.send()
	emptied := b.box.close()
	b.tell()
	b.told("a:ok", "d:closed")
	b.answer("b", nil)
	select {
	case <-emptied:
		t.Error("closed while an answer is due")
	default:
	}
	b.answer("c", errNetwork)
	<-emptied
	b.want("nothing leaves any more", b.send(), "")
	b.told("a:ok", "d:closed", "b:ok", "c:closed")
}

func TestOutboxWithoutIdempotence(t *testing.T) {
	b := newBench(t, 3)
	b.box.who, b.box.window = &nobody, 1
	b.want("one at a time", b.send(), "a-1")
	if did := b.answer("a", kafka.ErrNotLeaderOrFollower); did != rest {
		t.Errorf("got action %v, want a rest", did)
	}
	b.want("again", b.send(), "a-1")
	b.answer("a", nil)
	b.want("the next", b.send(), "b-1")
}

func TestAddSequence(t *testing.T) {
	for _, test := range []struct{ s, n, want int32 }{
		{0, 10, 10}, {math.MaxInt32 - 10, 10, math.MaxInt32}, {math.MaxInt32, 1, 0}, {math.MaxInt32 - 3, 10, 6},
	} {
		if got := addSequence(test.s, test.n); got != test.want {
			t.Errorf("%d + %d: got %d, want %d", test.s, test.n, got, test.want)
		}
	}
}

// A producer that keeps its identity is not alone with it: what the broker has
// appended and forgotten may be another one's, with other records behind it.
func TestAFirmOutboxEndsWhereTheBrokerKnowsMore(t *testing.T) {
	b := newBench(t, 2)
	b.box.firm = true
	if got := b.send(); got != "a0" {
		t.Fatalf("sent %q, want the first alone", got)
	}
	b.answer("a", kafka.ErrDuplicateSequenceNumber)
	if got := strings.Join(b.log, " "); got != "a:failed b:failed" {
		t.Errorf("told %q, want that both failed", got)
	}
	var code kafka.ErrorCode
	if !errors.As(b.box.err, &code) || !forgotten(code) {
		t.Errorf("ended with %v, want that it is to be owned anew", b.box.err)
	}
}

func TestAWriterCountsOn(t *testing.T) {
	for _, test := range []struct{ next, n, want int32 }{{0, 5, 5}, {math.MaxInt32, 1, 0}, {math.MaxInt32 - 1, 5, 3}, {noSequence, 5, noSequence}} {
		if got := (writer{nobody, test.next}).over(test.n).next; got != test.want {
			t.Errorf("%d over %d is %d, want %d", test.next, test.n, got, test.want)
		}
	}
}
