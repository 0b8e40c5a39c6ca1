// Package storetest holds the conformance suite of the store's interfaces:
// every implementation passes it.
package storetest
