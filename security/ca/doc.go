// Package ca is a small certificate authority for one cluster. It does in one
// step what the course does with a dozen keytool and openssl commands: a root,
// a key pair and a signed certificate for server and client, and the stores
// that Java reads.
//
//	root > key pair > certificate request > sign > stores, PEM twin
//
// For an identity NAME (server, client, or one that is issued later):
//
//	NAME.keystore.jks    PKCS#12: kafka-NAME with its chain, CARoot
//	NAME.truststore.jks  PKCS#12: CARoot
//	NAME.pem             the PEM twin: PKCS#8 key, not encrypted; chain
//	ca-cert              the root as PEM: the twin of the trust stores
//	ca-key               the root's key, encrypted PKCS#8
//
// One PEM file holds key and chain, since that is what Kafka's own PEM stores
// want, and OpenSSL and librdkafka take the same file for both. Its key is not
// encrypted since Java 17 cannot open a PEM key under PBES2 (measured: "PBES2
// SecretKeyFactory not available"), and the older ciphers that it can open are
// no protection; the file's mode, 0600, is. The stores are called .jks because
// the course's are.
package ca
