// Package wire turns Kafka's protocol into frames, headers and messages, and
// back. Produce and Fetch, which carry the data, are written by hand so that
// record batches pass as bytes; every other message is kmsg's.
//
//	socket -> ReadFrame -> ParseRequestHeader -> ProduceRequest.Decode
//	                                             FetchRequest.Decode
//	                                             Parser.Parse (kmsg, guarded)
package wire
