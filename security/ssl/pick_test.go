package ssl

import (
	"testing"

	"schloss/kafka/config"
	"schloss/security/keystore"
)

// TestKeysAreTakenAsJavaTakesThem knows what Java 17's key manager picks from
// these stores; `make interop` asks it again.
func TestKeysAreTakenAsJavaTakesThem(t *testing.T) {
	tests := []struct {
		name, file string
		key        config.Secret
		want       string
	}{
		{"two EC keys", "two.p12", "", "one"},
		{"fourteen EC keys, for which a hash table grows", "many.p12", "", "node-k"},
		{"an EC and an RSA key", "sun.jks", "other5678", "one"},
		{"one Ed25519 key", "ed25519.p12", "", "edwards"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _, err := keystore.ReadFile("../keystore/testdata/"+tt.file, "test1234", tt.key)
			if err != nil {
				t.Fatal(err)
			}
			if got := asJavaPicks(s.Keys)[0].Alias; got != tt.want {
				t.Errorf("took %s, want %s", got, tt.want)
			}
		})
	}
}
