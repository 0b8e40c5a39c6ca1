// Package tlsrecord moves much data over TLS 1.3 with few copies.
//
// crypto/tls shakes hands, and with that decides whom to trust. From then on
// the records (RFC 8446, section 5) are opened and sealed here, many for each
// system call, from the socket's bytes straight into the caller's memory:
//
//	read   socket ── 256 KiB ──> in.wire ── open ──> caller
//	write  caller ── seal ──> out.wire ── many records ──> socket
//
// crypto/tls copies each byte once more on both ways and makes a system call of
// each record, which together is more than encryption costs. What it knows and
// this package does not, TLS 1.2 above all, it keeps: Client then returns its
// connection.
//
// The keys come from crypto/tls by its KeyLogWriter, which is the only door
// that it has for them. Once they are taken, crypto/tls must not touch the
// connection again: two who seal with one key and one sequence number would
// give the key away.
package tlsrecord
