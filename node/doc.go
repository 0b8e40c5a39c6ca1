// Package node wires one process: it starts things in order, stops them in
// reverse, and offers a broker's access rules where no broker runs. It decides
// nothing.
//
//	settings ─▶ TLS ─▶ store ─▶ own rights ─▶ broker ─▶ sockets ─▶ ready
//	 ... ctx ends ─▶ listeners drained ─▶ broker closed ─▶ store closed
package node
