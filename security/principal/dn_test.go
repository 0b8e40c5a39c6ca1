package principal

import (
	"bufio"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"testing"
)

// rows reads the cells of a table under testdata.
func rows(t testing.TB, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var table [][]string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if line := lines.Text(); line != "" && !strings.HasPrefix(line, "# ") {
			table = append(table, strings.Split(line, "\t"))
		}
	}
	if len(table) < 40 {
		t.Fatalf("%s has only %d rows", path, len(table))
	}
	return table
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNameFromDNIsJavas(t *testing.T) {
	for _, row := range rows(t, "testdata/names.tsv") {
		t.Run(row[0], func(t *testing.T) {
			want, err := strconv.Unquote(row[2])
			if err != nil {
				t.Fatalf("%s: %v", row[2], err)
			}
			got, err := NameFromDN(unhex(t, row[1]))
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestNameFromDNRefusesWhatIsNoName(t *testing.T) {
	tests := []struct{ name, der string }{
		{"nothing", ""},
		{"a set", "3100"},
		{"cut", "300c310a300806035504030c01"},
		{"bytes after the end", "300000"},
		{"an empty part", "30023100"},
		{"an attribute without value", "300b310930070603550403"},
		{"a value with bytes after it", "300e310c300a06035504030c01610500"},
		{"no type", "300831063004" + "0c0161" + "00"},
		{"a claimed gigabyte", "308440000000310a"},
		{"indefinite length", "3080310a300806035504030c01610000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := NameFromDN(unhex(t, tt.der)); err == nil {
				t.Errorf("got %q, want an error", got)
			}
		})
	}
}

func TestDNFromTextIsKeytools(t *testing.T) {
	for _, row := range rows(t, "testdata/typed.tsv") {
		t.Run(row[0], func(t *testing.T) {
			der, err := DNFromText(row[0])
			want := row[1]
			if !strings.HasPrefix(row[0], "CN=") && strings.ContainsRune(row[0], 'ä') {
				want = "refused" // Java stores a byte that is no IA5String
			}
			if want == "refused" {
				if err == nil {
					t.Errorf("got %x, want an error", der)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(der); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestTypedNameReadsAsTyped(t *testing.T) {
	der, err := DNFromText("CN=Xi Hu, OU=YourDept, O=YourCompany, L=Beijing, ST=Beijing, C=CN")
	if err != nil {
		t.Fatal(err)
	}
	got, err := NameFromDN(der)
	if err != nil {
		t.Fatal(err)
	}
	if want := "CN=Xi Hu,OU=YourDept,O=YourCompany,L=Beijing,ST=Beijing,C=CN"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzNameFromDN(f *testing.F) {
	for _, row := range rows(f, "testdata/names.tsv") {
		f.Add(unhex(f, row[1]))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		name, err := NameFromDN(der)
		if err == nil && strings.ContainsRune(name, 0) {
			t.Errorf("%x: a bare NUL in %q", der, name)
		}
	})
}

func FuzzDNFromText(f *testing.F) {
	for _, row := range rows(f, "testdata/typed.tsv") {
		f.Add(row[0])
	}
	f.Fuzz(func(t *testing.T, text string) {
		der, err := DNFromText(text)
		if err != nil {
			return
		}
		if _, err := NameFromDN(der); err != nil {
			t.Errorf("%q became %x: %v", text, der, err)
		}
	})
}
