// Package broker answers Kafka's requests. apis.go is the table of what it
// speaks; each API has a file that authorizes, acts and responds.
//
//	listener ─▶ Handle ─▶ apis table ─▶ authorize ─▶ act ─▶ respond ─▶ listener
//	                                                  │
//	              replica (lock, producers, log) ◀────┤ produce, fetch
//	              shard   (lock, group.Coordinator) ◀─┤ groups
//	              store.Metadata ◀────────────────────┘ topics, ACLs, producer ids
//
// What must wait does not block: a produce request is answered by the store's
// callback once it is durable, a fetch is parked as a waiter on its partitions,
// a join waits inside its group. Record batches stay bytes all the way.
package broker
