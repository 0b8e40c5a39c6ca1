// Package config reads Kafka's configuration files. A file in Java's
// .properties form becomes Properties; a Table, which knows every setting by
// name, type and default, turns those into checked Values.
//
//	file > Parse > Properties > Table.Read > Values, Notices
//
// A setting is honoured, or known and without effect for a reason that the
// Notice states, or unknown. An unknown name that is nearly a known one is an
// error: a slip in a security setting must not pass.
package config
