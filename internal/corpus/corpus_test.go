package corpus

import (
	"slices"
	"strings"
	"testing"
)

func TestScenarioIsRead(t *testing.T) {
	const text = "words on it\n-- needs --\nauthorizer\n-- settings --\na.b=c=d\n-- file f --\nx\n" +
		"-- one --\nkafka-acls --add 'a b' \"t\\tx\" --empty ''\n< in\n<\n! only 3.9.1\n! sorted\n"
	s, err := parse("s", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c := s.Cases[0]
	if s.Needs != "authorizer" || s.Settings["a.b"] != "c=d" || s.Files["f"] != "x\n" || c.Only != "3.9.1" || !c.Sorted || c.Input != "in\n\n" {
		t.Errorf("got %+v", s)
	}
	if want := []string{"kafka-acls", "--add", "a b", "t\tx", "--empty", ""}; !slices.Equal(c.Args, want) {
		t.Errorf("got %q, want %q", c.Args, want)
	}
	for name, wrong := range map[string]string{
		"an unknown mark":   "-- a --\nx\n! later\n",
		"two commands":      "-- a --\nx\ny\n",
		"no command":        "-- a --\n",
		"an open quote":     "-- a --\nx 'y\n",
		"a case that twice": "-- a --\nx\n-- a --\ny\n",
	} {
		if _, err := parse("s", []byte(wrong)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func TestCompare(t *testing.T) {
	topics := Case{Args: []string{"kafka-topics"}}
	tests := []struct {
		name      string
		c         Case
		want, got Outcome
		differ    string
	}{
		{"alike", topics, Outcome{Stdout: "a\n"}, Outcome{Stdout: "a\n"}, ""},
		{"another exit", topics, Outcome{Exit: 1, Stderr: "no\n"}, Outcome{Stderr: "no\n"}, "exit"},
		{"another line", topics, Outcome{Stdout: "a\n"}, Outcome{Stdout: "b\n"}, "stdout"},
		{"another column", Case{Args: []string{"kafka-consumer-groups"}}, Outcome{Stdout: "a  b\n"}, Outcome{Stdout: "a b\n"}, "stdout"},
		{"ids", topics, Outcome{Stdout: "Topic: a\tTopicId: x\tb\n"}, Outcome{Stdout: "Topic: a\tTopicId: y\tb\n"}, ""},
		{"topics in another order", topics, Outcome{Stdout: "Topic: a\n\tp\nTopic: b\n"}, Outcome{Stdout: "Topic: b\nTopic: a\n\tp\n"}, ""},
		{"a partition under another topic", topics, Outcome{Stdout: "Topic: a\n\tp\nTopic: b\n"}, Outcome{Stdout: "Topic: a\nTopic: b\n\tp\n"}, "stdout"},
		{"a silent failure", topics, Outcome{Exit: 1, Stdout: "Error\n"}, Outcome{Exit: 1, Stdout: "Error\n"}, "stderr"},
		{"a remark lost", topics, Outcome{Stderr: "Processed 2\n"}, Outcome{}, "stderr"},
		{"a remark made up", topics, Outcome{}, Outcome{Stderr: "Processed 2\n"}, "stderr"},
		{"a warning, a hint and the log", topics, Outcome{Stderr: "WARN slow (x)\n"}, Outcome{Stderr: "warning: old\nhint: new\n"}, ""},
		{"Kafka's message within ours", topics, Outcome{Exit: 1, Stderr: "Exception in thread \"main\" joptsimple.E: [a] not with [b]\n"},
			Outcome{Exit: 1, Stderr: "error: \"[b]\" not with \"[a]\"\nhint: x\n"}, ""},
		{"another message", topics, Outcome{Exit: 1, Stderr: "a is missing\n(option table)\n"}, Outcome{Exit: 1, Stderr: "error: b is missing\n"}, "words"},
		{"figures", Case{Args: []string{"x"}, Numbers: true}, Outcome{Stdout: "10 sent, 1.5 ms\n"}, Outcome{Stdout: "11 sent, 2 ms\n"}, ""},
		{"figures of something else", Case{Args: []string{"x"}, Numbers: true}, Outcome{Stdout: "10 sent\n"}, Outcome{Stdout: "10 lost\n"}, "stdout"},
		{"JSON in another order", Case{Args: []string{"x"}, JSON: true}, Outcome{Stdout: `{"a":[{"b":1},{"b":2}]}` + "\n"}, Outcome{Stdout: `{"a":[{"b":2},{"b":1}]}` + "\n"}, ""},
		{"JSON of something else", Case{Args: []string{"x"}, JSON: true}, Outcome{Stdout: `{"a":1}` + "\n"}, Outcome{Stdout: `{"a":2}` + "\n"}, "stdout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(tt.c.Compare(tt.want, tt.got), " "); got != tt.differ {
				t.Errorf("got %q, want %q", got, tt.differ)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	s := &Scenario{Name: "s", Cases: []Case{{Name: "c", Args: []string{"x"}}}}
	old, recent := Outcome{Stdout: "old\n"}, Outcome{Stdout: "new\n"}
	list := func(streams ...string) []Difference {
		return []Difference{{Reason: "why", Cases: []Listed{{"s", "c", streams}}}}
	}
	tests := []struct {
		name    string
		ours    Outcome
		list    []Difference
		verdict Verdict
		stale   bool
	}{
		{"as the old release", old, nil, Equal, false},
		{"as the new one", recent, nil, Equal, false},
		{"as none", Outcome{Stdout: "own\n"}, nil, Different, false},
		{"as none, listed", Outcome{Stdout: "own\n"}, list(Stdout), Explained, false},
		{"listed for something else", Outcome{Stdout: "own\n"}, list(Exit), Different, false},
		{"listed for more", Outcome{Stdout: "own\n"}, list(Stdout, Exit), Explained, true},
		{"listed and equal", recent, list(Stdout), Equal, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := s.Judge(Golden{"c": tt.ours}, []Recording{{"3", Golden{"c": old}}, {"4", Golden{"c": recent}}}, tt.list)[0]
			if r.Verdict != tt.verdict || r.Stale != tt.stale {
				t.Errorf("got %s, stale %v; want %s, %v", r.Verdict, r.Stale, tt.verdict, tt.stale)
			}
		})
	}
}

func TestHelpAndTracesAreCut(t *testing.T) {
	const stderr = "x is wrong\njava.E: x is wrong\n\tat a.b(C.java:1)\n\t... 3 more\nOption   Description\n------\n--help\n"
	if got, want := cut(stderr), "x is wrong\njava.E: x is wrong\n(option table)\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	const usage = "usage: tool [-h]\n  [--a]\ntool: error: too few\n"
	if got, want := cut(usage), "(usage)\ntool: error: too few\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
