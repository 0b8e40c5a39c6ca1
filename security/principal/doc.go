// Package principal says who someone is, in the words of Kafka's ACLs: the
// distinguished name of a certificate as Java prints it, the rules that map it
// to a shorter name, and the list of super users.
//
//	certificate > NameFromDN > Rules.Apply > Principal > Supers.Has
//
// A principal that differs from Java's in one byte is a different principal,
// so NameFromDN never goes through pkix.Name, which reorders, merges and
// re-encodes the parts of a name.
package principal
