#!/bin/sh
# Makes stores like the ones beside it with keytool (Java 17) and openssl (3.x): sh make.sh DIR
# Every password is test1234, the key password of sun.jks other5678. The files differ in their keys and salts each time.
set -eu
cd "$1"
p=test1234
keys="-storepass $p -validity 36500 -keyalg EC -groupname secp256r1"

quiet() { "$@" >log 2>&1 || { echo "$*" >&2; cat log >&2; exit 1; }; }

# A root, and a leaf with its key in PKCS#8.
quiet openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj '/CN=Test CA' -keyout ca.key -out ca.pem
quiet openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=leaf -keyout leaf.key -out leaf.csr
quiet openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -days 36500 -out leaf.crt
quiet openssl req -x509 -newkey ed25519 -nodes -days 36500 -subj /CN=edwards -keyout ed25519.key -out ed25519.crt

# PKCS#12: new and old ciphers, without a MAC, without keys or the mark of trust.
export="openssl pkcs12 -export -inkey leaf.key -in leaf.crt -certfile ca.pem -name leaf -passout pass:$p"
quiet $export -out openssl.p12
quiet $export -legacy -out openssl-legacy.p12
quiet $export -nomac -out openssl-nomac.p12
quiet $export -keypbe NONE -certpbe NONE -out openssl-plain.p12
quiet openssl pkcs12 -export -nokeys -in ca.pem -passout pass:$p -out openssl-unmarked.p12
quiet openssl pkcs12 -export -inkey ed25519.key -in ed25519.crt -name edwards -passout pass:$p -out ed25519.p12

# Java: several keys in PKCS#12, with new and old ciphers; true JKS with a key password of its own; JCEKS.
for alias in one two; do
  quiet keytool -genkeypair $keys -keystore two.p12 -storetype PKCS12 -alias $alias -dname CN=$alias
  quiet keytool -genkeypair $keys -keypass other5678 -keystore sun.jks -storetype JKS -alias $alias -dname CN=$alias
done
for i in a b c d e f g h i j k l m n; do
  quiet keytool -genkeypair $keys -keystore many.p12 -storetype PKCS12 -alias node-$i -dname CN=$i
done
quiet keytool -genkeypair $keys -J-Dkeystore.pkcs12.legacy -keystore legacy.p12 -storetype PKCS12 -alias old -dname CN=old
for store in two.p12 sun.jks legacy.p12 trust.p12; do
  quiet keytool -importcert -noprompt -storepass $p -keystore $store -alias CARoot -file ca.pem
done
quiet keytool -importcert -noprompt -storepass $p -keystore trust.jceks -storetype JCEKS -alias CARoot -file ca.pem

# PEM: PKCS#8 plain and encrypted in the ways of PBES2 and of the old PBES1; what Kafka does not read.
pem() { cat "$1" leaf.crt ca.pem >"$2"; }
pkcs8="openssl pkcs8 -topk8 -in leaf.key -passout pass:$p"
pem leaf.key leaf.pem
quiet $pkcs8 -v2 aes256 -out key; cat ca.pem key leaf.crt >leaf-aes256.pem # in the wrong order
quiet $pkcs8 -v2 aes128 -v2prf hmacWithSHA512 -out key; pem key leaf-sha512.pem
quiet $pkcs8 -v2 des3 -out key; pem key leaf-des3.pem
quiet $pkcs8 -v1 PBE-SHA1-3DES -out key; pem key leaf-pbe.pem
quiet $pkcs8 -v1 PBE-MD5-DES -provider legacy -provider default -out key; pem key leaf-md5des.pem
quiet $pkcs8 -v1 PBE-SHA1-DES -provider legacy -provider default -out key; pem key leaf-sha1des.pem
quiet openssl pkey -in leaf.key -traditional -out key; pem key leaf-sec1.pem
quiet openssl genrsa -traditional -out key 2048; pem key leaf-pkcs1.pem
cat ed25519.key ed25519.crt >ed25519.pem
rm -f log key ca.key leaf.csr
