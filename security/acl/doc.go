// Package acl decides who may do what: bindings, patterns, and a decision with
// its reason. It is pure: no clock, no I/O, no goroutine.
package acl
