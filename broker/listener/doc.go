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
package listener
