package fetchsession

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var t0 = time.UnixMilli(1_700_000_000_000)

func random(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

func counter() func() int32 {
	var n int32
	return func() int32 { n++; return n }
}

func partitions(n int) Size { return Size{Partitions: n, Bytes: n * partitionBytes} }

// TestWhoMakesRoom fills a cache of three slots and asks for one more.
func TestWhoMakesRoom(t *testing.T) {
	type add struct {
		at    time.Duration
		by    Maker
		size  int
		used  bool // again, when the next one comes
		named string
	}
	ann, bob := Maker{"User:ann", 1}, Maker{"User:bob", 2}
	again := Maker{"User:ann", 3}
	for _, tt := range []struct {
		name string
		have []add
		next add
		gone string // "": there is no room; "none": there is
	}{
		{"a free slot", []add{{by: ann, size: 5, named: "a"}}, add{by: bob, size: 1}, "none"},
		{"all are in use and young", []add{{by: ann, size: 1, named: "a"}, {by: ann, size: 1, named: "b"}, {by: ann, size: 1, named: "c"}},
			add{at: time.Minute, by: bob, size: 50}, ""},
		{"one was not used for two minutes", []add{{by: ann, size: 9, named: "a", used: true}, {by: ann, size: 9, named: "b"}, {by: ann, size: 9, named: "c", used: true}},
			add{at: 3 * time.Minute, by: bob, size: 1}, "b"},
		{"exactly two minutes are not enough", []add{{by: ann, size: 9, named: "a"}, {by: ann, size: 9, named: "b"}, {by: ann, size: 9, named: "c"}},
			add{at: evictAfter, by: bob, size: 10}, ""},
		{"the smallest that is old makes room for a larger one", []add{{by: ann, size: 3, named: "a", used: true}, {by: ann, size: 2, named: "b", used: true}, {at: 4 * time.Minute, by: ann, size: 1, named: "c"}},
			add{at: 5 * time.Minute, by: bob, size: 3}, "b"},
		{"none makes room for one of its size", []add{{by: ann, size: 2, named: "a", used: true}, {by: ann, size: 2, named: "b", used: true}, {by: ann, size: 2, named: "c", used: true}},
			add{at: 5 * time.Minute, by: bob, size: 2}, ""},
		{"a connection's own session", []add{{by: ann, size: 5, named: "a"}, {by: bob, size: 5, named: "b"}, {by: ann, size: 5, named: "c"}},
			add{at: time.Second, by: bob, size: 1}, "b"},
		{"not one of the same principal on another connection", []add{{by: again, size: 5, named: "a"}, {by: again, size: 5, named: "b"}, {by: again, size: 5, named: "c"}},
			add{at: time.Second, by: ann, size: 1}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := NewCache[string](3, counter())
			var used []*Entry[string]
			for _, a := range tt.have {
				e, gone := c.Add(t0.Add(a.at), a.by, partitions(a.size), a.named)
				if e == nil || len(gone) > 0 {
					t.Fatalf("no room for %s", a.named)
				}
				if a.used {
					used = append(used, e)
				}
			}
			for _, e := range used {
				c.Touch(t0.Add(tt.next.at), e, e.size)
			}
			e, gone := c.Add(t0.Add(tt.next.at), tt.next.by, partitions(tt.next.size), "next")
			got := ""
			switch {
			case e != nil && len(gone) == 0:
				got = "none"
			case e != nil:
				got = gone[0].Session
			}
			if got != tt.gone {
				t.Errorf("%q made room, want %q", got, tt.gone)
			}
		})
	}
}

func TestASessionIsItsOwnersAlone(t *testing.T) {
	c := NewCache[string](3, counter())
	e, _ := c.Add(t0, Maker{Principal: "User:ann"}, partitions(1), "a")
	if c.Find(e.ID, "User:ann") != e || c.Find(e.ID, "User:bob") != nil || c.Find(e.ID, "") != nil || c.Find(e.ID+1, "User:ann") != nil {
		t.Error("a session is found by somebody else, or not by its owner")
	}
	c.Remove(e)
	c.Remove(e)
	if c.Find(e.ID, "User:ann") != nil || c.Len() != 0 || c.Bytes() != 0 {
		t.Error("a session that was removed is still there")
	}
}

func TestIDsArePositiveAndDistinct(t *testing.T) {
	numbers := []int32{0, -1 << 31, 5, 5 | -1<<31, 6}
	c := NewCache[string](3, func() int32 { n := numbers[0]; numbers = numbers[1:]; return n })
	for _, want := range []int32{5, 6} {
		if e, _ := c.Add(t0, Maker{}, partitions(1), ""); e.ID != want {
			t.Errorf("got id %d, want %d", e.ID, want)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	c := NewCache[string](10, counter())
	most := c.MaxBytes() / partitionBytes
	big, _ := c.Add(t0, Maker{Connection: 1}, partitions(most-10), "big")
	if big == nil {
		t.Fatal("a large session finds no room in an empty cache")
	}
	if e, _ := c.Add(t0, Maker{Connection: 2}, partitions(11), "one more"); e != nil {
		t.Error("there is room for more than the cache may take")
	}
	small, _ := c.Add(t0, Maker{Connection: 2}, partitions(10), "small")
	if small == nil {
		t.Fatal("a session that fits finds no room")
	}
	if _, ok := c.Grow(t0, small, 1); ok {
		t.Error("a session grows beyond what the cache may take")
	}
	later := t0.Add(evictAfter + 1)
	gone, ok := c.Grow(later, small, partitionBytes)
	if !ok || len(gone) != 1 || gone[0] != big {
		t.Errorf("growing %v, %d gone: want the stale session to make room", ok, len(gone))
	}
	c.Touch(later, small, partitions(3))
	if c.Bytes() != 3*partitionBytes {
		t.Errorf("the cache counts %d bytes of a session with 3 partitions", c.Bytes())
	}
	if _, ok := c.Grow(later, big, 1); ok {
		t.Error("a session that has gone grows")
	}
	if e, _ := NewCache[string](0, counter()).Add(t0, Maker{}, Size{}, ""); e != nil {
		t.Error("a cache without slots takes a session")
	}
}

// FuzzCache holds a cache to its own sums.
func FuzzCache(f *testing.F) {
	f.Add(random(1, 100))
	f.Add([]byte{0, 1, 1, 0, 2, 2, 9, 9, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		const slots = 4
		c := NewCache[string](slots, counter())
		var all []*Entry[string]
		now := t0
		for i := 0; i+2 < len(data); i += 3 {
			op, who, n := data[i], int(data[i+1]), int(data[i+2])
			now = now.Add(time.Duration(n) * time.Second)
			switch {
			case op%4 == 0 || len(all) == 0:
				e, gone := c.Add(now, Maker{fmt.Sprint(who % 3), who % 5}, partitions(n*4), "")
				if e != nil {
					all = append(all, e)
				}
				for _, g := range gone {
					if g == e || c.Find(g.ID, g.owner) != nil {
						t.Fatal("what has gone is still there")
					}
				}
			case op%4 == 1:
				e := all[who%len(all)]
				if _, ok := c.Grow(now, e, n*partitionBytes); ok && c.Find(e.ID, e.owner) != e {
					t.Fatal("a session grew that has gone")
				}
			case op%4 == 2:
				c.Touch(now, all[who%len(all)], partitions(n))
			default:
				c.Remove(all[who%len(all)])
			}
			sum, live := 0, 0
			for _, e := range all {
				if c.Find(e.ID, e.owner) == e {
					sum, live = sum+e.size.Bytes, live+1
				}
			}
			if sum != c.Bytes() || live != c.Len() || c.used.Len() != live || live > slots {
				t.Fatalf("%d sessions of %d bytes, counted %d of %d", live, sum, c.Len(), c.Bytes())
			}
			last := time.Time{}
			for at := c.used.Front(); at != nil; at = at.Next() {
				e := at.Value.(*Entry[string])
				if e.last.Before(last) || !slices.Contains(all, e) {
					t.Fatal("sessions are not in the order of their use")
				}
				last = e.last
			}
		}
	})
}
