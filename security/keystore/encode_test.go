package keystore

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	jks "github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"

	"schloss/kafka/config"
)

var made = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func course(t testing.TB) *Store {
	t.Helper()
	s, _, err := Read(file(t, "course/server.keystore.jks"), password, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func encode(t testing.TB, s *Store, f Format, password config.Secret) []byte {
	t.Helper()
	data, err := Encode(s, f, password, made)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWhatIsWrittenReadsBack(t *testing.T) {
	two, _, err := Read(file(t, "two.p12"), password, "")
	if err != nil {
		t.Fatal(err)
	}
	trust, _, err := Read(file(t, "course/server.truststore.jks"), password, "")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		store  *Store
		format Format
		want   string
	}{
		{"course as PKCS12", course(t), PKCS12, outline(course(t))},
		{"two keys as PKCS12", two, PKCS12, outline(two)},
		{"trust store as PKCS12", trust, PKCS12, outline(trust)},
		{"course as JKS", course(t), JKS, strings.Replace(outline(course(t)), "CARoot", "caroot", 1)},
		{"two keys as JKS", two, JKS, strings.Replace(outline(two), "CARoot", "caroot", 1)},
		{"trust store as JKS", trust, JKS, strings.Replace(outline(trust), "CARoot", "caroot", 1)},
		{"course as PEM", &Store{Keys: course(t).Keys}, PEM, "key kafka [Xi Hu < YourDept,CN=Xi Hu]"},
		{"trust store as PEM", trust, PEM, "trusted kafka0 [YourDept,CN=Xi Hu]"},
		{"alias beyond ASCII as PKCS12", &Store{Trusted: []TrustedEntry{{Alias: "Käse 🔑", Certificate: trust.Trusted[0].Certificate}}}, PKCS12, "trusted Käse 🔑 [YourDept,CN=Xi Hu]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := encode(t, tt.store, tt.format, password)
			s, format, err := Read(data, password, password)
			if err != nil {
				t.Fatal(err)
			}
			if format != tt.format {
				t.Errorf("format: got %v, want %v", format, tt.format)
			}
			if got := outline(s); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if _, _, err := Read(data, "wrong123", "wrong123"); len(tt.store.Keys) > 0 && err == nil {
				t.Error("a wrong password opens it")
			}
		})
	}
}

func TestStoresNeedAPassword(t *testing.T) {
	for _, f := range []Format{JKS, PKCS12} {
		if _, err := Encode(course(t), f, "", made); !errors.Is(err, ErrPasswordNeeded) {
			t.Errorf("%v: got %v, want %v", f, err, ErrPasswordNeeded)
		}
	}
}

func TestOthersReadWhatIsWritten(t *testing.T) {
	s := course(t)
	t.Run("keystore-go reads JKS", func(t *testing.T) {
		ks := jks.New()
		if err := ks.Load(bytes.NewReader(encode(t, s, JKS, password)), []byte(password)); err != nil {
			t.Fatal(err)
		}
		key, err := ks.GetPrivateKeyEntry("kafka-server", []byte(password))
		if err != nil {
			t.Fatal(err)
		}
		if len(key.CertificateChain) != 2 || !ks.IsTrustedCertificateEntry("CARoot") {
			t.Errorf("got a chain of %d and aliases %v", len(key.CertificateChain), ks.Aliases())
		}
	})
	t.Run("go-pkcs12 reads PKCS12", func(t *testing.T) {
		_, leaf, _, err := pkcs12.DecodeChain(encode(t, s, PKCS12, password), password.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if !leaf.Equal(s.Keys[0].Chain[0]) {
			t.Errorf("got the leaf %v", leaf.Subject)
		}
	})
}

func TestReadWhatOthersWrite(t *testing.T) {
	s := course(t)
	key := s.Keys[0]
	encoders := map[string]*pkcs12.Encoder{
		"RC2": pkcs12.LegacyRC2, "3DES": pkcs12.LegacyDES, "AES": pkcs12.Modern2023, "PBMAC1": pkcs12.Modern2026,
	}
	for name, e := range encoders {
		t.Run("go-pkcs12 with "+name, func(t *testing.T) {
			data, err := e.Encode(key.PrivateKey, key.Chain[0], key.Chain[1:], password.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := Read(data, password, "")
			if err != nil {
				t.Fatal(err)
			}
			if want := "key 1 [Xi Hu < YourDept,CN=Xi Hu]"; outline(got) != want {
				t.Errorf("got %s, want %s", outline(got), want)
			}
			if _, _, err := Read(data, "wrong123", ""); !errors.Is(err, ErrWrongPassword) {
				t.Errorf("got %v, want %v", err, ErrWrongPassword)
			}
		})
	}
}

// toBER writes every constructed value with indefinite length and every octet
// string in pieces, as NSS and Bouncy Castle do.
func toBER(t *testing.T, der []byte) []byte {
	t.Helper()
	var raw asn1.RawValue
	rest, err := asn1.Unmarshal(der, &raw)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	switch {
	case raw.IsCompound:
		out = append(out, raw.FullBytes[0], 0x80)
		for inner := raw.Bytes; len(inner) > 0; {
			var one asn1.RawValue
			if inner, err = asn1.Unmarshal(inner, &one); err != nil {
				t.Fatal(err)
			}
			out = append(out, toBER(t, one.FullBytes)...)
		}
		out = append(out, 0, 0)
	case raw.FullBytes[0] == tagOctets && len(raw.Bytes) > 1:
		half := len(raw.Bytes) / 2
		out = append(out, tagOctets|bitConstructed, 0x80)
		out = appendDER(out, tagOctets, raw.Bytes[:half])
		out = appendDER(out, tagOctets, raw.Bytes[half:])
		out = append(out, 0, 0)
	default:
		out = append(out, raw.FullBytes...)
	}
	if len(rest) > 0 {
		t.Fatalf("%d bytes left", len(rest))
	}
	return out
}

func TestReadBER(t *testing.T) {
	ber := toBER(t, file(t, "course/server.keystore.jks"))
	if bytes.Equal(ber, file(t, "course/server.keystore.jks")) {
		t.Fatal("nothing was changed")
	}
	s, _, err := Read(ber, password, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outline(s), outline(course(t)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAbsurdIterationsAreRefused(t *testing.T) {
	salt := []byte("salt")
	for _, iterations := range []int{-1, 0, 1 << 30, 1<<62 + 1} {
		o := &opening{effort: maxEffort}
		k := kdf{hash: sha256.New, password: bmpPassword("x"), salt: salt, iterations: iterations}
		var fe *FormatError
		if _, err := o.derive12(k, kdfMAC, 32); !errors.As(err, &fe) {
			t.Errorf("PKCS#12 derivation with %d iterations: got %v", iterations, err)
		}
		a, err := algorithm(oidPBKDF2, pbkdf2Params{Salt: salt, Iterations: iterations})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.deriveKey(a, "x", 32); !errors.As(err, &fe) {
			t.Errorf("PBKDF2 with %d iterations: got %v", iterations, err)
		}
		if a, err = algorithm(oidPBEMD5DES, legacyParams{Salt: salt, Iterations: iterations}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.decrypt(a, "x", make([]byte, 8)); !errors.As(err, &fe) {
			t.Errorf("PBES1 with %d iterations: got %v", iterations, err)
		}
	}
	o := &opening{effort: maxEffort}
	if err := o.effort.spend(4_000_000, 1); err != nil {
		t.Errorf("the first derivation: %v", err)
	}
	if err := o.effort.spend(4_000_000, 1); err == nil {
		t.Error("a file may spend more than the whole effort in two derivations")
	}
}

func TestJavaReadsWhatIsWritten(t *testing.T) {
	keytool, err := exec.LookPath("keytool")
	if err != nil {
		t.Skip("keytool is not installed: that Java reads our stores is not tested here")
	}
	for _, f := range []Format{PKCS12, JKS} {
		t.Run(f.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "server.keystore.jks")
			if err := WriteFile(path, encode(t, course(t), f, password), 0o600, false); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(keytool, "-list", "-v", "-storepass", password.Reveal(), "-keystore", path).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, want := range []string{"contains 2 entries", "Alias name: kafka-server", "Alias name: caroot",
				"Entry type: PrivateKeyEntry", "Certificate chain length: 2", "Entry type: trustedCertEntry"} {
				if !strings.Contains(string(out), want) {
					t.Errorf("keytool does not say %q:\n%s", want, out)
				}
			}
		})
	}
}

func TestOpenSSLReadsWhatIsWritten(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: that it reads our stores is not tested here")
	}
	dir := t.TempDir()
	p12, key := filepath.Join(dir, "a.p12"), filepath.Join(dir, "a.pem")
	if err := WriteFile(p12, encode(t, course(t), PKCS12, password), 0o600, false); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(key, encode(t, &Store{Keys: course(t).Keys}, PEM, password), 0o600, false); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"pkcs12", "-in", p12, "-passin", "pass:test1234", "-nodes", "-noout"},
		{"pkey", "-in", key, "-passin", "pass:test1234", "-noout"},
	} {
		if out, err := exec.Command(openssl, args...).CombinedOutput(); err != nil {
			t.Errorf("openssl %v: %v: %s", args, err, out)
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store")
	if err := WriteFile(path, []byte("first"), 0o600, false); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("second"), 0o600, false); !errors.Is(err, os.ErrExist) {
		t.Errorf("over an existing file: got %v, want %v", err, os.ErrExist)
	}
	if got, _ := os.ReadFile(path); string(got) != "first" {
		t.Errorf("got %q, want the first content", got)
	}
	if err := WriteFile(path, []byte("third"), 0o644, true); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "third" || info.Mode().Perm() != 0o644 {
		t.Errorf("got %q with mode %v", got, info.Mode())
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
