package acl

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"schloss/kafka"
)

// many is how many bindings a large cluster has.
const many = 100_000

// TestManyBindingsCostLittle holds a decision among 100,000 bindings to no
// allocation, a change of one binding to a few, and the whole to a bounded
// size. How long they take, BenchmarkAuthorize and BenchmarkWith say.
func TestManyBindingsCostLittle(t *testing.T) {
	all := manyRules()
	if len(all) < many {
		t.Fatalf("only %d bindings", len(all))
	}
	before := heap()
	rules := New(all)
	held := float64(heap()-before) / float64(rules.Len())
	t.Logf("%d bindings take %.0f bytes each, their texts not counted", rules.Len(), held)
	if held > 1024 {
		t.Errorf("a binding takes %.0f bytes, want at most 1024", held)
	}
	a := &Authorizer{Supers: supers}
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		b := all[(i*7919)%len(all)]
		a.Authorize(rules, Query{b.Principal, "10.0.0.1", b.Operation, b.ResourceType, b.Name})
		i++
	}); n != 0 {
		t.Errorf("a decision allocates %v times", n)
	}
	one := []Binding{{kafka.Topic, "team-new", kafka.Literal, "User:new", "*", kafka.Read, kafka.Allow}}
	if n := testing.AllocsPerRun(100, func() { rules.With(one, nil).With(nil, one) }); n > 100 {
		t.Errorf("adding and removing one binding allocates %v times: it copies more than its own path", n)
	}
	runtime.KeepAlive(rules)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestDecisionsGoOnWhileBindingsChange lets readers decide by the newest rules
// while a writer adds and removes a pair of bindings: each set of rules holds
// both or none of them, and the readers take no lock that the writer could hold.
// It ends when there have been enough of both.
func TestDecisionsGoOnWhileBindingsChange(t *testing.T) {
	const changes, decisions = 2000, 20_000
	pair := []Binding{
		{kafka.Topic, "team-pair.a", kafka.Literal, "User:pair", "*", kafka.Read, kafka.Allow},
		{kafka.Topic, "team-pair.b", kafka.Prefixed, "User:pair", "*", kafka.Read, kafka.Allow},
	}
	var newest atomic.Pointer[Rules]
	newest.Store(New(manyRules()[:10_000]))
	var made, during atomic.Int64
	var all sync.WaitGroup
	all.Go(func() {
		for n := int64(0); n < changes || during.Load() < 2*decisions; n++ {
			if n%2 == 0 {
				newest.Store(newest.Load().With(pair, nil))
			} else {
				newest.Store(newest.Load().With(nil, pair))
			}
			made.Add(1)
		}
	})
	for range 2 {
		all.Go(func() {
			a := &Authorizer{}
			for n := 0; n < decisions || made.Load() < changes; n++ {
				rules := newest.Load()
				first := a.Authorize(rules, Query{"User:pair", "h", kafka.Read, kafka.Topic, "team-pair.a"}).Allowed
				second := a.Authorize(rules, Query{"User:pair", "h", kafka.Describe, kafka.Topic, "team-pair.bc"}).Allowed
				if first != second {
					t.Errorf("one of two bindings that come together is there: %v, %v", first, second)
				}
				during.Add(1)
			}
		})
	}
	all.Wait()
	t.Logf("%d decisions while %d changes were made", during.Load(), made.Load())
	if want := 10_000; newest.Load().Len() < want-10 {
		t.Errorf("%d bindings are left", newest.Load().Len())
	}
}
