// Package client reaches Kafka clusters, Apache's and our own alike.
//
// A [Client] is made from the settings that Kafka's own clients read. It gives
// three ways in:
//
//	Client.Kgo      a franz-go client with these settings, for records
//	NewAdmin        administrative deeds, over anything that sends requests
//	Client.Dial     one connection to one broker, for batches as bytes
//
// Opening tries the cluster first, so that a wrong address, a missing
// certificate or the wrong protocol is one typed error and not a silent retry.
package client
