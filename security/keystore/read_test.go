package keystore

import (
	"encoding/asn1"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"schloss/kafka/config"
)

const password = config.Secret("test1234")

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// outline is a store in one line: alias and subjects of each entry.
func outline(s *Store) string {
	var parts []string
	for _, k := range s.Keys {
		var subjects []string
		for _, c := range k.Chain {
			subjects = append(subjects, nameOf(c.Subject.CommonName, c.Subject.OrganizationalUnit))
		}
		key := "key "
		if k.PrivateKey == nil {
			key = "closed key "
		}
		parts = append(parts, key+k.Alias+" ["+strings.Join(subjects, " < ")+"]")
	}
	for _, e := range s.Trusted {
		parts = append(parts, "trusted "+e.Alias+" ["+nameOf(e.Certificate.Subject.CommonName, e.Certificate.Subject.OrganizationalUnit)+"]")
	}
	return strings.Join(parts, ", ")
}

func nameOf(cn string, ou []string) string {
	if cn != "" {
		return cn
	}
	return strings.Join(ou, "/")
}

func TestReadStoresOfRealTools(t *testing.T) {
	const leaf = "key leaf [leaf < Test CA]"
	tests := []struct {
		file   string
		key    config.Secret
		format Format
		want   string
	}{
		{"course/server.keystore.jks", password, PKCS12, "key kafka-server [Xi Hu < YourDept,CN=Xi Hu], trusted CARoot [YourDept,CN=Xi Hu]"},
		{"course/client.keystore.jks", "", PKCS12, "key kafka-client [Xi Hu < YourDept,CN=Xi Hu], trusted CARoot [YourDept,CN=Xi Hu]"},
		{"course/server.truststore.jks", "", PKCS12, "trusted CARoot [YourDept,CN=Xi Hu]"},
		{"course/ca-cert", "", PEM, "trusted kafka0 [YourDept,CN=Xi Hu]"},
		{"sun.jks", "other5678", JKS, "key one [one], key two [two], trusted caroot [Test CA]"},
		{"legacy.p12", "", PKCS12, "key old [old], trusted CARoot [Test CA]"},
		{"two.p12", "", PKCS12, "key one [one], key two [two], trusted CARoot [Test CA]"},
		{"openssl.p12", "", PKCS12, leaf},
		{"openssl-legacy.p12", "", PKCS12, leaf},
		{"openssl-rc2-128.p12", "", PKCS12, leaf},
		{"openssl-sha512.p12", "", PKCS12, leaf},
		{"openssl-plain.p12", "", PKCS12, leaf},
		{"leaf.pem", "", PEM, "key kafka [leaf < Test CA]"},
		{"leaf-aes256.pem", password, PEM, "key kafka [leaf < Test CA]"},
		{"leaf-des3.pem", password, PEM, "key kafka [leaf]"},
		{"leaf-pbe.pem", password, PEM, "key kafka [leaf]"},
		{"leaf-sha512.pem", password, PEM, "key kafka [leaf < Test CA]"},
		{"leaf-md5des.pem", password, PEM, "key kafka [leaf < Test CA]"},
		{"leaf-sha1des.pem", password, PEM, "key kafka [leaf < Test CA]"},
		{"ed25519.p12", "", PKCS12, "key edwards [edwards]"},
		{"ed25519.pem", "", PEM, "key kafka [edwards]"},
		{"many.p12", "", PKCS12, "key node-a [a], key node-b [b], key node-c [c], key node-d [d], key node-e [e], key node-f [f], key node-g [g], " +
			"key node-h [h], key node-i [i], key node-j [j], key node-k [k], key node-l [l], key node-m [m], key node-n [n]"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			s, format, err := Read(file(t, tt.file), password, tt.key)
			if err != nil {
				t.Fatal(err)
			}
			if format != tt.format {
				t.Errorf("format: got %v, want %v", format, tt.format)
			}
			if got := outline(s); !sameEntries(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// sameEntries ignores the order: JKS keeps that of a hash table.
func sameEntries(a, b string) bool {
	count := map[string]int{}
	for _, e := range strings.Split(a, ", ") {
		count[e]++
	}
	for _, e := range strings.Split(b, ", ") {
		count[e]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestReadWithEmptyPassword(t *testing.T) {
	s, _, err := Read(file(t, "openssl-empty.p12"), "", "")
	if !errors.Is(err, ErrPasswordNeeded) {
		t.Errorf("private key under the empty password: got %v, %v", s, err)
	}
	s, _, err = ReadTrust(file(t, "openssl-empty.p12"), "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outline(s), "closed key leaf [leaf < Test CA]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestReadTrust(t *testing.T) {
	tests := []struct {
		name, file string
		password   config.Secret
		want       string
	}{
		{"course", "course/server.truststore.jks", password, "trusted CARoot [YourDept,CN=Xi Hu]"},
		{"a key store in its place", "course/server.keystore.jks", password, "closed key kafka-server [Xi Hu < YourDept,CN=Xi Hu], trusted CARoot [YourDept,CN=Xi Hu]"},
		{"JKS without password", "sun.jks", "", "closed key one [one], closed key two [two], trusted caroot [Test CA]"},
		{"PKCS12 without encryption or password", "openssl-plain.p12", "", "closed key leaf [leaf < Test CA]"},
		{"PEM with a key", "leaf-aes256.pem", "", "trusted kafka0 [Test CA], trusted kafka1 [leaf]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _, err := ReadTrust(file(t, tt.file), tt.password)
			if err != nil {
				t.Fatal(err)
			}
			if got := outline(s); !sameEntries(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	tests := []struct {
		name, file string
		store, key config.Secret
		is         error  // or
		says       string // of a FormatError
	}{
		{name: "wrong password of PKCS12", file: "course/server.keystore.jks", store: "wrong123", is: ErrWrongPassword},
		{name: "wrong password of old PKCS12", file: "legacy.p12", store: "wrong123", is: ErrWrongPassword},
		{name: "wrong password of JKS", file: "sun.jks", store: "wrong123", is: ErrWrongPassword},
		{name: "wrong key password of PKCS12", file: "course/server.keystore.jks", store: password, key: "wrong123", is: ErrWrongKeyPassword},
		{name: "wrong key password of JKS", file: "sun.jks", store: password, key: "wrong123", is: ErrWrongKeyPassword},
		{name: "store password for a JKS key with its own", file: "sun.jks", store: password, is: ErrWrongKeyPassword},
		{name: "wrong key password of PEM", file: "leaf-aes256.pem", key: "wrong123", is: ErrWrongKeyPassword},
		{name: "wrong key password of old PEM", file: "leaf-pbe.pem", key: "wrong123", is: ErrWrongKeyPassword},
		{name: "no password for PKCS12", file: "course/server.keystore.jks", is: ErrPasswordNeeded},
		{name: "no password for JKS", file: "sun.jks", is: ErrPasswordNeeded},
		{name: "no password for PEM", file: "leaf-aes256.pem", is: ErrPasswordNeeded},
		{name: "no integrity code", file: "openssl-nomac.p12", store: password, says: "no integrity code"},
		{name: "nothing marked as trusted", file: "openssl-unmarked.p12", store: password, says: "none of them marked as trusted"},
		{name: "JCEKS", file: "trust.jceks", store: password, says: "a JCEKS store, which is not read; keytool -importkeystore"},
		{name: "PKCS#1", file: "leaf-pkcs1.pem", says: "(PKCS#1), which Kafka does not read; openssl pkcs8 -topk8 -in OLD -out NEW"},
		{name: "SEC1", file: "leaf-sec1.pem", says: "(SEC1), which Kafka does not read; openssl pkcs8 -topk8 -in OLD -out NEW"},
		{name: "wrong key password of PEM under MD5 and DES", file: "leaf-md5des.pem", key: "wrong123", is: ErrWrongKeyPassword},
		{name: "another's certificate", file: "leaf-mismatch.pem", says: "for its private key"},
		{name: "text", file: "README.md", says: "neither JKS nor PKCS12 nor PEM"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _, err := Read(file(t, tt.file), tt.store, tt.key)
			var fe *FormatError
			switch {
			case err == nil:
				t.Fatalf("got %s, want an error", outline(s))
			case tt.is != nil:
				if !errors.Is(err, tt.is) {
					t.Errorf("got %q, want %q", err, tt.is)
				}
			case !errors.As(err, &fe) || !strings.Contains(fe.Error(), tt.says):
				t.Errorf("got %q, want a format error with %q", err, tt.says)
			}
			for _, secret := range []config.Secret{tt.store, tt.key} {
				if secret != "" && strings.Contains(err.Error(), secret.Reveal()) {
					t.Errorf("the error %q holds a password", err)
				}
			}
		})
	}
}

func TestEveryCutIsRefused(t *testing.T) {
	for _, name := range []string{"sun.jks", "openssl-plain.p12", "leaf.pem"} {
		data := file(t, name)
		for n := 0; n < len(data)-1; n += 7 {
			if s, _, err := Read(data[:n], password, "other5678"); err == nil && name != "leaf.pem" {
				t.Errorf("%s cut at %d of %d reads as %s", name, n, len(data), outline(s))
			}
		}
	}
}

func TestChangedStoreIsAWrongPassword(t *testing.T) {
	for _, name := range []string{"sun.jks", "openssl-plain.p12"} {
		data := file(t, name)
		data[len(data)/2] ^= 1
		if _, _, err := Read(data, password, "other5678"); err == nil {
			t.Errorf("%s with a flipped bit was read", name)
		}
	}
}

func TestReadFileNamesTheFile(t *testing.T) {
	if _, _, err := ReadFile("testdata/absent.jks", password, ""); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "testdata/absent.jks") {
		t.Errorf("got %v", err)
	}
	_, _, err := ReadTrustFile("testdata/course/server.truststore.jks", "wrong123")
	if want := `open trust store "testdata/course/server.truststore.jks" (PKCS12): wrong store password`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// FuzzBags feeds the parser behind the encryption.
func FuzzBags(f *testing.F) {
	certificate, err := certificateBag(course(f).Keys[0].Chain[0], []bagAttribute{friendlyName("a")})
	if err != nil {
		f.Fatal(err)
	}
	key, err := sealedBag(course(f).Keys[0], "test1234")
	if err != nil {
		f.Fatal(err)
	}
	seed, err := asn1.Marshal([]safeBag{certificate, key})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, der []byte) {
		var b bags
		if err := b.add(der, 0); err != nil {
			return
		}
		o := &opening{store: "test1234", key: "test1234", effort: 10}
		if s, err := o.assemble(b); err == nil {
			_ = s.check()
		}
	})
}

func FuzzRead(f *testing.F) {
	entries, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() && e.Name() != "fuzz" {
			f.Add(file(f, e.Name()))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// A small effort keeps an execution short; keytool's files cost 10,000
		// iterations, openssl's 2048. Without a store password no integrity
		// code keeps changed bytes from the parsers behind it.
		for _, o := range []opening{
			{store: "test1234", key: "test1234", effort: 3000},
			{key: "other5678", effort: 3000},
			{trustOnly: true, effort: 3000},
		} {
			s, _, err := o.read(data)
			if (s == nil) == (err == nil) {
				t.Fatalf("got %v and %v", s, err)
			}
		}
	})
}
