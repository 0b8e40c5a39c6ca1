// Package security is the floor between a connection and a decision. It holds
// no code itself; its packages, in the order a connection passes them, are:
//
//	keystore   reads and writes JKS, PKCS#12 and PEM, told apart by content
//	ca         makes the root, the key pairs and the stores of a cluster
//	ssl        ssl.* settings to crypto/tls, reloaded when files change
//	principal  who a certificate is: the DN text as Java prints it, mapped
//	acl        what that principal may do, and by which binding
//	audit      one line for each denial
//
// The way of a request: ssl verifies the chain of the peer against the trust
// store, principal turns the subject of the leaf into the name that ACLs use,
// acl decides, audit records a refusal.
package security
