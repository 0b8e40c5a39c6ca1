package group

import (
	"container/heap"
	"time"
)

// timers orders groups by their next deadline. A group without one is not in.
type timers []*group

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].due.Before(t[j].due) }

func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].timer, t[j].timer = i, j
}

// Push implements heap.Interface.
func (t *timers) Push(x any) {
	g := x.(*group)
	g.timer = len(*t)
	*t = append(*t, g)
}

// Pop implements heap.Interface.
func (t *timers) Pop() any {
	last := len(*t) - 1
	g := (*t)[last]
	(*t)[last], *t = nil, (*t)[:last]
	g.timer = -1
	return g
}

// set moves a group to its deadline due; zero takes it out.
func (t *timers) set(g *group, due time.Time) {
	switch {
	case due.IsZero() && g.timer >= 0:
		heap.Remove(t, g.timer)
	case due.IsZero():
	case g.timer < 0:
		g.due = due
		heap.Push(t, g)
	default:
		g.due = due
		heap.Fix(t, g.timer)
	}
}

// earlier is the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// reached says whether a deadline, if there is one, has come.
func reached(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }
