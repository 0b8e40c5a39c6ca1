package fetchsession

import (
	"container/list"
	"time"
)

const (
	// evictAfter is how long a session must be unused to be stale, and how old
	// it must be to make room for a larger one (Kafka:
	// ServerConfigs.MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS).
	evictAfter = 2 * time.Minute

	// slotBytes is what a slot may take in memory on average: about 250
	// partitions.
	slotBytes = 64 << 10
)

// Cache keeps the sessions of a broker. A session belongs to the principal
// that made it: for anyone else it does not exist.
//
// Differs from Kafka: there who knows an id may use it; and only the number of
// sessions is bounded, not their memory.
type Cache[S any] struct {
	slots   int
	bytes   int // of all sessions
	entries map[int32]*Entry[S]
	used    *list.List // of *Entry[S], the longest unused first
	random  func() int32
}

// Entry is one session in a Cache.
type Entry[S any] struct {
	ID      int32
	Session S

	owner string
	maker any
	size  Size

	made, last time.Time
	place      *list.Element // nil when it is no longer in the cache
}

// Size is how much a session holds.
type Size struct {
	Partitions int
	Bytes      int
}

// Maker is who asks for a session: the principal, which owns it, and the
// connection, any comparable value.
type Maker struct {
	Principal  string
	Connection any
}

// NewCache makes a cache with room for so many sessions; random gives random
// numbers.
func NewCache[S any](slots int, random func() int32) *Cache[S] {
	return &Cache[S]{slots: slots, entries: make(map[int32]*Entry[S]), used: list.New(), random: random}
}

// Len is the number of sessions.
func (c *Cache[S]) Len() int { return len(c.entries) }

// Bytes is what all sessions take in memory.
func (c *Cache[S]) Bytes() int { return c.bytes }

// MaxBytes is what all sessions may take in memory.
func (c *Cache[S]) MaxBytes() int { return c.slots * slotBytes }

// Find is the principal's session of that id, nil if there is none.
func (c *Cache[S]) Find(id int32, principal string) *Entry[S] {
	if e := c.entries[id]; e != nil && e.owner == principal {
		return e
	}
	return nil
}

// Add finds room for a session of this size and makes its entry, nil when
// there is no room. What had to go is returned too, whether or not that was
// enough.
func (c *Cache[S]) Add(now time.Time, m Maker, size Size, session S) (made *Entry[S], gone []*Entry[S]) {
	gone = c.room(now, size.Bytes)
	if c.bytes+size.Bytes > c.MaxBytes() {
		return nil, gone
	}
	if len(c.entries) >= c.slots {
		victim := c.victim(now, m, size)
		if victim == nil {
			return nil, gone
		}
		c.Remove(victim)
		gone = append(gone, victim)
	}
	e := &Entry[S]{ID: c.newID(), Session: session, owner: m.Principal, maker: m.Connection, size: size, made: now, last: now}
	e.place = c.used.PushBack(e)
	c.entries[e.ID] = e
	c.bytes += size.Bytes
	return e, gone
}

// victim is the session that makes room for one of this size (Kafka:
// FetchSessionCache.tryEvict): a stale one, else one that the same connection
// made before, else the smallest that is old enough and smaller.
//
// Differs from Kafka: a connection's own sessions; else one client could take
// every slot.
func (c *Cache[S]) victim(now time.Time, m Maker, size Size) *Entry[S] {
	var smallest *Entry[S]
	for at := c.used.Front(); at != nil; at = at.Next() {
		e := at.Value.(*Entry[S])
		switch {
		case now.Sub(e.last) > evictAfter, e.maker == m.Connection && e.owner == m.Principal:
			return e
		case now.Sub(e.made) > evictAfter && e.size.Partitions < size.Partitions &&
			(smallest == nil || e.size.Partitions < smallest.size.Partitions):
			smallest = e
		}
	}
	return smallest
}

// room lets stale sessions go until there is memory for so many bytes more.
func (c *Cache[S]) room(now time.Time, more int) (gone []*Entry[S]) {
	for c.bytes+more > c.MaxBytes() {
		at := c.used.Front()
		if at == nil {
			break
		}
		e := at.Value.(*Entry[S])
		if now.Sub(e.last) <= evictAfter {
			break
		}
		c.Remove(e)
		gone = append(gone, e)
	}
	return gone
}

func (c *Cache[S]) newID() int32 {
	for {
		id := c.random() & (1<<31 - 1)
		if _, taken := c.entries[id]; !taken && id != 0 {
			return id
		}
	}
}

// Grow counts more bytes of a session, which is in use, before it takes them,
// and says whether it may. What had to go for them is returned.
func (c *Cache[S]) Grow(now time.Time, e *Entry[S], more int) (gone []*Entry[S], ok bool) {
	if e.place == nil {
		return nil, false
	}
	e.last = now
	c.used.MoveToBack(e.place)
	gone = c.room(now, more)
	if c.bytes+more > c.MaxBytes() {
		return gone, false
	}
	e.size.Bytes += more
	c.bytes += more
	return gone, true
}

// Touch notes that a session was used, and its size since then.
func (c *Cache[S]) Touch(now time.Time, e *Entry[S], size Size) {
	if e.place == nil {
		return
	}
	c.bytes += size.Bytes - e.size.Bytes
	e.size, e.last = size, now
	c.used.MoveToBack(e.place)
}

// Remove takes a session out.
func (c *Cache[S]) Remove(e *Entry[S]) {
	if e.place == nil {
		return
	}
	c.used.Remove(e.place)
	e.place = nil
	delete(c.entries, e.ID)
	c.bytes -= e.size.Bytes
}
