// Package interop tries the built binary beside real Apache Kafka: the course
// as printed, Java clients of three generations, kafka-python and franz-go
// against our broker, our mirror between real clusters, and Kafka's own
// dump tool over our files.
//
// Its tests carry the build tag interop; `make interop` runs them. They need
// Java 17, Maven, openssl and Python 3, and fetch everything else themselves.
package interop
