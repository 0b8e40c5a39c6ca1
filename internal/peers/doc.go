// Package peers runs real Apache Kafka for tests and benchmarks: it resolves
// released jars by their Maven coordinates into a cache folder, starts
// one-node brokers on loopback, and runs Kafka's own tools and clients.
//
// It needs Java 17 and Maven; Check says so where they are missing.
package peers
