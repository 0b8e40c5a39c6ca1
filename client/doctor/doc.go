// Package doctor walks the way of a client to its cluster.
//
//	settings > stores > dns > tcp > tls > chain > names > dates > client certificate
//	  > protocol > sasl > metadata > advertised addresses > rights for a task
//
// Each step is a finding with what was seen; what is wrong has a code that the
// manual explains. Nothing is changed at the cluster, and nothing that a peer
// says is trusted before it has been verified.
package doctor
