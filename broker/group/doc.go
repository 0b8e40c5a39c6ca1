// Package group coordinates consumer groups by Kafka's classic protocol.
//
// A Coordinator holds the groups of one partition of __consumer_offsets. It is
// pure: it has no clock, no I/O and no goroutine. Each verb takes the time and
// a request and returns Effects: records to append to that partition, and
// replies that may be sent. What must be durable before it may be answered is
// answered by Written, which the caller calls once it knows how the append
// ended; until then the change is provisional and a failed append undoes it.
//
//	request ── Join, Sync, Commit ... ──▶ Coordinator ──▶ Effects
//	timer ──── Tick(now) ────────────────▶     ▲           │  Replies: send
//	                                           │           ▼  Writes:  append
//	                   Written(id, base, code) └──── durable or failed
//
// A group moves through the states of GroupMetadata in Kafka's coordinator:
//
//	Empty ──join──▶ PreparingRebalance ──all joined──▶ CompletingRebalance
//	  ▲                  ▲        │                             │ leader syncs,
//	  └──all left────────┼────────┘                             ▼ record durable
//	Dead ◀─expired       └──────────join, leave, timeout───── Stable
package group
