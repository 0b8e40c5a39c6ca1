// Package kafka holds the words every other package shares: offsets, epochs,
// error codes, operations and resource types, spelled as Kafka spells them.
// It has no behaviour beyond naming and imports nothing of ours.
package kafka
