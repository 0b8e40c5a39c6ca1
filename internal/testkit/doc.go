// Package testkit runs a broker inside a test, with certificates of its own
// authority and property files for its clients.
package testkit
