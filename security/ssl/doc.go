// Package ssl turns Kafka's ssl.* settings into crypto/tls, for brokers and
// clients, and reads the stores again when they change.
//
//	config.Values > ServerConfig, ClientConfig > Reloader > *tls.Config
//	tls.ConnectionState > Peer > principal.Principal
//	error of a handshake > Explain > an error that says what is wrong
//
// A peer is verified on every connection, by its chain against the trust store
// and, at the client, by its host name as Java does it. Sessions are never
// resumed, so nothing is ever trusted for having been trusted before.
package ssl
