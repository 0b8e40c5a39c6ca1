package principal

import (
	"strings"
	"testing"
)

func TestRulesMapAsKafka(t *testing.T) {
	for _, row := range rows(t, "testdata/rules.tsv") {
		t.Run(row[0]+" on "+row[1], func(t *testing.T) {
			rules, err := ParseRules(row[0])
			if refused := row[2] == "refused" || row[2] == "throws"; refused != (err != nil) {
				t.Fatalf("got error %v, Kafka says %q", err, row[2])
			}
			if err != nil {
				return
			}
			got := "none"
			if name, ok := rules.Apply(row[1]); ok {
				got = "= " + name
			}
			if got != row[2] {
				t.Errorf("got %q, want %q", got, row[2])
			}
		})
	}
}

func TestRulesRefuseWhatOnlyJavaHas(t *testing.T) {
	tests := []struct{ name, pattern, want string }{
		{"lookahead", "(?=CN).*", "lookahead"},
		{"negative lookahead", "(?!CN).*", "lookahead"},
		{"lookbehind", "(?<=CN).*", "lookbehind"},
		{"atomic group", "(?>CN).*", "atomic"},
		{"back-reference", `(.)\1`, "back-references"},
		{"named back-reference", `(?<a>.)\k<a>`, "back-references"},
		{"possessive star", ".*+", "possessive"},
		{"possessive plus", ".++", "possessive"},
		{"class intersection", "[a-z&&[^b]]*", "intersection"},
		{"nested class", "[a[bc]]*", "class within a class"},
		{"the flag U", "(?U).*", "flag U"},
		{"the flag U behind another", "(?iU).*", "flag U"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseRules("RULE:" + tt.pattern + "/x/")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error about %q", err, tt.want)
			}
		})
	}
}

func TestNamesWithLineEndsMatchNoPattern(t *testing.T) {
	rules, err := ParseRules("RULE:^CN=(.*)$/$1/")
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range lineEnds {
		if name, ok := rules.Apply("CN=a" + string(end)); ok {
			t.Errorf("%q: got %q, want no match", end, name)
		}
	}
}

func TestEscapedReferenceIsText(t *testing.T) {
	rules, err := ParseRules(`RULE:^(.*)$/\$5$1/`)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := rules.Apply("CN=a"); got != "$5CN=a" {
		t.Errorf("got %q, want %q", got, "$5CN=a")
	}
}

func TestSupers(t *testing.T) {
	tests := []struct {
		name, setting string
		has, lacks    []string
		wantErr       bool
	}{
		{name: "unset", lacks: []string{"User:", "User:a"}},
		{name: "two with commas in them", setting: "User:CN=Xi Hu,O=o;User:bob", has: []string{"User:CN=Xi Hu,O=o", "User:bob"}, lacks: []string{"User:BOB", "User:CN=Xi Hu"}},
		{name: "spaces and empty pieces", setting: " User:a ;; User:b ; ", has: []string{"User:a", "User:b"}},
		{name: "a colon in the name", setting: "User:a:b", has: []string{"User:a:b"}, lacks: []string{"User:a"}},
		{name: "no type", setting: "alice", wantErr: true},
		{name: "no name", setting: "User:", wantErr: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := ParseSupers(tt.setting)
			if (err != nil) != tt.wantErr {
				t.Fatalf("got error %v, want one: %v", err, tt.wantErr)
			}
			for _, p := range tt.has {
				if !s.Has(p) {
					t.Errorf("%q is missing", p)
				}
			}
			for _, p := range tt.lacks {
				if s.Has(p) {
					t.Errorf("%q is a super user", p)
				}
			}
		})
	}
}

func FuzzParseRules(f *testing.F) {
	for _, row := range rows(f, "testdata/rules.tsv") {
		f.Add(row[0], row[1])
	}
	f.Fuzz(func(t *testing.T, text, dn string) {
		if len(text) > 200 || len(dn) > 200 {
			return // the empty-match search is quadratic in the name
		}
		rules, err := ParseRules(text)
		if err != nil {
			return
		}
		rules.Apply(strings.ToValidUTF8(dn, "\ufffd"))
	})
}
