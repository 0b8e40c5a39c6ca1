// Package fetchsession remembers what consumers fetch, so that they need not
// say it with every request nor hear of what has not changed (KIP-227).
//
// A Session knows its partitions, what the client asked of each and what it
// was last told. Only those that may have news are looked at: the hot ones.
//
//	request ── Ask, Forget ──▶ Session ── Hot ──▶ partitions to read
//	records come ── Look ─────▶    ▲                      │
//	                               └──── Answered ◀───────┘  tell, or leave out
//
// A Cache gives sessions their ids and says which of them stay: it is bounded
// in their number and in the memory that they take.
//
// Both are pure: they have no clock, no lock and no I/O. The caller guards
// each with a lock of its own.
package fetchsession
