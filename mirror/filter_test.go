package mirror

import (
	"errors"
	"testing"
)

func TestFilterSelects(t *testing.T) {
	for _, test := range []struct {
		name, include, topic string
		internal             bool // as the broker says
		want                 bool
	}{
		{"everything", ".*", "orders", false, true},
		{"whole names only", "order", "orders", false, false},
		{"whole names only, from the start", "rders", "orders", false, false},
		{"a comma is an alternative", "orders,clicks", "clicks", false, true},
		{"alternatives are whole names too", "a|bc", "abc", false, false},
		{"blanks do not count", " orders , clicks ", "clicks", false, true},
		{"quotes around it do not count", `"orders"`, "orders", false, true},
		{"single quotes too", `'.*'`, "orders", false, true},
		{"internal topics are left out", ".*", "__consumer_offsets", false, false},
		{"the broker's word for internal counts", ".*", "_schemas", true, false},
		{"a dot is any character", "a.b", "a-b", false, true},
		{"an escaped dot is a dot", `a\.b`, "a-b", false, false},
		{"checkpoints of another pair of clusters", ".*", "west.checkpoints.internal", false, false},
		{"classes and repeats", "team-[0-9]{2}-.+", "team-07-x", false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := newFilter(test.include, false)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.selects(test.topic, test.internal); got != test.want {
				t.Errorf("%q selects %q: got %v, want %v", test.include, test.topic, got, test.want)
			}
		})
	}
	f, err := newFilter(".*", true)
	if err != nil || !f.selects("__consumer_offsets", true) {
		t.Error("exclude.internal.topics=false does not select internal topics")
	}
}

func TestFilterRefuses(t *testing.T) {
	for _, include := range []string{"", "  ", "*", "a(", "a)|(b", "[z-a]", "(?=a)b", "(?!a).*", `(a)\1`, "a++"} {
		_, err := newFilter(include, false)
		var pe *PatternError
		if !errors.As(err, &pe) || pe.Pattern != include {
			t.Errorf("%q: got %v, want a PatternError", include, err)
		}
	}
}
