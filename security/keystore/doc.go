// Package keystore reads and writes the stores that Java's ssl.* settings name:
// JKS, PKCS#12 and PEM. What a file is, its content says; its name never does,
// since keytool writes PKCS#12 into files called .jks.
//
//	bytes > Read > Store{Keys, Trusted} > Encode > bytes > WriteFile
//
// Everything is read within the bytes that are there: no length, count or
// iteration number of a file makes us allocate or compute what it claims.
package keystore
