// Package listener accepts connections, settles who is at their other end, and
// runs one ordered request loop on each.
//
//	accept ─▶ limits ─▶ identify (TLS handshake) ─▶ reader ─▶ Handler
//	                                                  │          │ Answer, from any goroutine
//	                                                  ▼          ▼
//	                                    queue of exchanges in order of arrival
//	                                                  │
//	                                                  ▼
//	                                                writer ─▶ socket
//
// Many exchanges of a connection may be open at once (their number and their
// bytes are bounded), yet answers leave in the order in which requests came,
// as the protocol demands. No frame is read before the peer is known.
//
// What a connection costs in memory: in front of its handshake about 14 KB, and
// within it no more than crypto/tls takes for a message of the handshake
// (64 KiB, 256 KiB for certificates), for at most HandshakeTimeout. Once the
// peer is known, twice the largest frame while it arrives (a buffer grows with
// what has come, never with what is claimed), and InFlightBytes with one frame
// and one answer more. Limits bound how many there are, and Budget what they
// hold together.
package listener
