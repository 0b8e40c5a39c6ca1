package cli

import (
	"reflect"
	"strings"
	"testing"
)

var testFlags = []flag{
	{name: "bootstrap-server", value: needsValue},
	{name: "broker-list", value: needsValue, insteadUse: "bootstrap-server"},
	{name: "topic", value: needsValue, many: true},
	{name: "compression-codec", value: optionalValue},
	{name: "list"},
	{name: "count", value: needsValue, check: wholeNumber, def: "7"},
	{name: "zookeeper", value: needsValue, refused: "gone in Kafka 3.0", insteadUse: "--bootstrap-server"},
	{name: "force", idle: "nothing is asked"},
}

func TestParseFlags(t *testing.T) {
	type given = map[string][]string
	tests := []struct {
		name     string
		words    string
		want     given
		rest     []string
		warnings int
	}{
		{"value in the next word", "--topic a", given{"topic": {"a"}}, nil, 0},
		{"value behind an equals sign", "--topic=a=b", given{"topic": {"a=b"}}, nil, 0},
		{"empty value behind an equals sign", "--topic=", given{"topic": {""}}, nil, 0},
		{"single dash", "-topic a -list", given{"topic": {"a"}, "list": {""}}, nil, 0},
		{"single dash and equals sign", "-topic=a", given{"topic": {"a"}}, nil, 0},
		{"repeated", "--topic a --topic b", given{"topic": {"a", "b"}}, nil, 0},
		{"a flag without value repeated", "--list --list", given{"list": {""}}, nil, 0},
		{"a needed value may look like an option", "--topic --list", given{"topic": {"--list"}}, nil, 1},
		{"optional value given", "--compression-codec lz4", given{"compression-codec": {"lz4"}}, nil, 0},
		{"optional value left out at the end", "--compression-codec", given{"compression-codec": {""}}, nil, 0},
		{"optional value left out before an option", "--compression-codec --list", given{"compression-codec": {""}, "list": {""}}, nil, 0},
		{"words between options", "a --list b", given{"list": {""}}, []string{"a", "b"}, 0},
		{"two dashes end the options", "--list -- --topic", given{"list": {""}}, []string{"--topic"}, 0},
		{"a lone dash is a word", "-", given{}, []string{"-"}, 0},
		{"deprecated", "--broker-list h:1", given{"broker-list": {"h:1"}}, nil, 1},
		{"without effect", "--force", given{"force": {""}}, nil, 1},
		{"number", "--count -3", given{"count": {"-3"}}, nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, warnings, err := parseFlags(testFlags, strings.Fields(tt.words))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(o.given, tt.want) {
				t.Errorf("got %v, want %v", o.given, tt.want)
			}
			if !reflect.DeepEqual(o.words, tt.rest) {
				t.Errorf("got words %q, want %q", o.words, tt.rest)
			}
			if len(warnings) != tt.warnings {
				t.Errorf("got warnings %q, want %d", warnings, tt.warnings)
			}
		})
	}
}

func TestParseFlagsRefuses(t *testing.T) {
	tests := []struct {
		name, words     string
		problem, advice string
	}{
		{"unknown", "--nonsense", "nonsense is not a recognized option", ""},
		{"a slip", "--topik a", "topik is not a recognized option", "did you mean --topic?"},
		{"an abbreviation", "--bootstrap a", "bootstrap is not a recognized option", "did you mean --bootstrap-server?"},
		{"other case", "--TOPIC a", "TOPIC is not a recognized option", "did you mean --topic?"},
		{"no value", "--topic", "Option topic requires an argument", "write it as --topic VALUE"},
		{"a value for a flag without", "--list=x", "option list takes no value", ""},
		{"twice", "--bootstrap-server a --bootstrap-server b", "Found multiple arguments for option bootstrap-server, but you asked for only one", ""},
		{"no number", "--count many", "Cannot parse argument 'many' of option count: expected a whole number", "write it as --count VALUE"},
		{"not served", "--zookeeper z", "option zookeeper is not served: gone in Kafka 3.0", "use --bootstrap-server"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := parseFlags(testFlags, strings.Fields(tt.words))
			wrong, ok := err.(*usageError)
			if !ok {
				t.Fatalf("got %v, want a usage error", err)
			}
			if wrong.problem != tt.problem || wrong.advice != tt.advice {
				t.Errorf("got %q, %q; want %q, %q", wrong.problem, wrong.advice, tt.problem, tt.advice)
			}
		})
	}
}

// A nearest name must be one that works.
func TestNearestFlagIsServed(t *testing.T) {
	_, _, err := parseFlags(testFlags, []string{"--zookeepr", "x"})
	if wrong, ok := err.(*usageError); !ok || strings.Contains(wrong.advice, "zookeeper") {
		t.Errorf("got %v, want no advice to use a flag that is not served", err)
	}
}

func TestEveryToolsFlags(t *testing.T) {
	for _, tool := range tools {
		seen := map[string]bool{}
		for _, f := range tool.flags {
			if seen[f.name] {
				t.Errorf("%s: --%s is there twice", tool.name, f.name)
			}
			seen[f.name] = true
			if f.doc == "" && f.insteadUse == "" && f.idle == "" && f.refused == "" {
				t.Errorf("%s: --%s is not explained", tool.name, f.name)
			}
			if f.value == noValue && (f.arg != "" || f.def != "") {
				t.Errorf("%s: --%s takes no value, but names one", tool.name, f.name)
			}
		}
		for _, f := range tool.flags {
			if f.insteadUse != "" && f.refused == "" && !seen[f.insteadUse] {
				t.Errorf("%s: --%s is replaced by --%s, which does not exist", tool.name, f.name, f.insteadUse)
			}
		}
	}
}

// Help fits a terminal of 80 columns.
func TestHelpIsNarrow(t *testing.T) {
	helps := map[string]string{}
	for _, tool := range tools {
		var b strings.Builder
		tool.help(&b, append(tool.flags, commonFlags...))
		helps[tool.name] = b.String()
	}
	for _, words := range []string{"", "certs", "certs create", "certs issue", "quickstart", "server-start", "version"} {
		var b strings.Builder
		s := &session{IO: IO{Out: &b, Err: &b}, voice: voice{err: &b}}
		if err := rootCommand(t.Context(), s, append(strings.Fields(words), "--help")); err != nil {
			t.Fatal(err)
		}
		helps["schloss "+words] = b.String()
	}
	for name, help := range helps {
		for line := range strings.Lines(help) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
		}
	}
}

func FuzzParseFlags(f *testing.F) {
	f.Add("--topic a --list")
	f.Add("--compression-codec -topic=x -- y")
	f.Add("--=-\x00 -")
	f.Fuzz(func(t *testing.T, line string) {
		words := strings.Split(line, " ")
		o, _, err := parseFlags(testFlags, words)
		if err != nil {
			return
		}
		kept := len(o.words)
		for name, values := range o.given {
			if len(values) == 0 {
				t.Errorf("--%s is given without an occurrence", name)
			}
			kept += len(values)
		}
		if kept > len(words) {
			t.Errorf("%d values of %d words", kept, len(words))
		}
	})
}
