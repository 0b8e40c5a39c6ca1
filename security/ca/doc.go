// Package ca is a small certificate authority for one cluster. It does in one
// step what the course does with nine keytool and openssl commands: a root, a
// key pair and a signed certificate for server and client, and the stores that
// Java reads.
//
//	root > key pair > certificate request > sign > stores, PEM twins
package ca
