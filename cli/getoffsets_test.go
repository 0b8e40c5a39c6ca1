package cli

import (
	"strings"
	"testing"
)

func TestPartitionRules(t *testing.T) {
	const all = "orders-0 orders-1 orders-2 orders-3 payments-0"
	tests := []struct {
		name, line, want string // want: "" for an error
	}{
		{"everything", "", all},
		{"a topic", "--topic orders", "orders-0 orders-1 orders-2 orders-3"},
		{"a pattern", "--topic .*s", all},
		{"partitions", "--partitions 0,2", "orders-0 orders-2 payments-0"},
		{"partitions of a topic", "--topic orders --partitions 1", "orders-1"},
		{"a partition by rule", "--topic-partitions orders:1", "orders-1"},
		{"the end is not part of a range", "--topic-partitions orders:1-3", "orders-1 orders-2"},
		{"from one on", "--topic-partitions orders:2-", "orders-2 orders-3"},
		{"up to one", "--topic-partitions orders:-2", "orders-0 orders-1"},
		{"of every topic", "--topic-partitions :0", "orders-0 payments-0"},
		{"several rules", "--topic-partitions payments,orders:3", "orders-3 payments-0"},
		{"a range turned round matches nothing", "--topic-partitions orders:3-1", "none"},
		{"no number", "--topic-partitions orders:x", ""},
		{"a number without bound", "--topic-partitions orders:99999999999999999999-", "none"},
		{"partitions that are no numbers", "--partitions a", ""},
		{"a pattern that is none", "--topic [", ""},
		{"two ways at once", "--topic-partitions orders --topic orders", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, _, err := parseFlags(getOffsets.flags, strings.Fields(test.line))
			if err != nil {
				t.Fatal(err)
			}
			rules, err := partitionRules(o)
			if err != nil {
				if test.want != "" {
					t.Fatal(err)
				}
				return
			}
			var got []string
			for _, word := range strings.Fields(all) {
				topic, digit, _ := strings.Cut(word, "-")
				for _, r := range rules {
					if r.matches(topic, int32(digit[0]-'0')) {
						got = append(got, word)
						break
					}
				}
			}
			if len(got) == 0 {
				got = []string{"none"}
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("got %v, want %s", got, test.want)
			}
		})
	}
}
