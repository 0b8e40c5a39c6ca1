package ssl

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"slices"
	"strings"
	"unicode/utf16"

	"schloss/security/keystore"
)

// asJavaPicks puts the keys of a store into the order in which Java's SunX509
// key manager, Kafka's default, considers them, since crypto/tls takes the
// first that fits: EC before Ed25519 before RSA, as clients prefer their
// signatures, and equal kinds in the order of Java's hash table of the aliases.
//
// Differs from Kafka: of several keys one whose certificate is for the host that
// the client named is taken before others.
func asJavaPicks(keys []keystore.KeyEntry) []keystore.KeyEntry {
	size := uint32(16)
	for len(keys) > int(size)*3/4 {
		size *= 2
	}
	sorted := slices.Clone(keys)
	slices.SortStableFunc(sorted, func(a, b keystore.KeyEntry) int {
		return cmp.Or(cmp.Compare(kindOf(a), kindOf(b)), cmp.Compare(bucket(a.Alias, size), bucket(b.Alias, size)))
	})
	return sorted
}

func kindOf(k keystore.KeyEntry) int {
	switch k.PrivateKey.Public().(type) {
	case *ecdsa.PublicKey:
		return 0
	case ed25519.PublicKey:
		return 1
	}
	return 2
}

// bucket is the place of an alias in a java.util.HashMap of that size.
func bucket(alias string, size uint32) uint32 {
	var hash uint32 // String.hashCode
	for _, unit := range utf16.Encode([]rune(strings.ToLower(alias))) {
		hash = 31*hash + uint32(unit)
	}
	return (hash ^ hash>>16) & (size - 1)
}
