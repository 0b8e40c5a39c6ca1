// Package cli is every command of schloss: Kafka's own tools by Kafka's names
// and flags, and the native commands beside them.
//
//	argv[0] or first word ─> commands table ─┬─ kafka-*:  flag rules of Kafka (flags.go), exit 0, 1 or the tool's own
//	                                         └─ native:   cobra, exit 0 done, 1 failed, 2 wrong usage
//
// One command is one file: its help, its flags, its run. Results go to
// standard output, everything else to standard error. A command returns an
// error that says what failed; the one place that prints it (voice.go) asks the
// one table of advice (hint.go) what to try, so no package below ever phrases a
// hint. Clusters are reached through package client alone, hence every command
// but server-start and quickstart serves any Kafka.
package cli
