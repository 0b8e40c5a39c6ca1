package acl

import (
	"strings"
	"testing"

	"schloss/kafka"
)

// The reasons as both the audit log and the commands print them.
func TestNearMisses(t *testing.T) {
	q := Query{Principal: "User:CN=Xi Hu,O=x,C=CN", Host: "0:0:0:0:0:0:0:1", Operation: kafka.Write, ResourceType: kafka.Topic, Name: "orders-1"}
	but := func(change func(*Binding)) Binding {
		b := q.Granting()
		change(&b)
		return b
	}
	tests := []struct {
		name string
		rule Binding
		why  []string // how each reason begins; none: no near miss
	}{
		{"it fits", but(func(*Binding) {}), nil},
		{"case", but(func(b *Binding) { b.Principal = "User:cn=Xi Hu,O=x,C=CN" }), []string{"case: principals"}},
		{"blanks", but(func(b *Binding) { b.Principal = "User:CN=Xi Hu, O=x, C=CN" }), []string{"blanks: those"}},
		{"blanks around equals signs", but(func(b *Binding) { b.Principal = "User:CN = Xi Hu,O=x,C=CN" }), []string{"blanks: those"}},
		{"quotes", but(func(b *Binding) { b.Principal = "User:\u201cCN=Xi Hu,O=x,C=CN\u201d" }), []string{"quotes: "}},
		{"reverse", but(func(b *Binding) { b.Principal = "User:C=CN,O=x,CN=Xi Hu" }), []string{"order: its parts stand in reverse"}},
		{"another order", but(func(b *Binding) { b.Principal = "User:O=x,CN=Xi Hu,C=CN" }), []string{"order: its parts stand in another"}},
		{"common name", but(func(b *Binding) { b.Principal = "User:xi hu" }), []string{"short name: "}},
		{"star in a principal", but(func(b *Binding) { b.Principal = "User:CN=Xi*" }), []string{"star: in a principal"}},
		{"another person", but(func(b *Binding) { b.Principal = "User:CN=Xi Ho,O=x,C=CN" }), nil},
		{"address in short", but(func(b *Binding) { b.Host = "::1" }), []string{"host: hosts are compared as texts"}},
		{"address in short, other operation", but(func(b *Binding) { b.Host, b.Operation = "::1", kafka.Read }), []string{"host: ", "other operation: "}},
		{"other address, other operation", but(func(b *Binding) { b.Host, b.Operation = "10.0.0.1", kafka.Read }), nil},
		{"a prefix taken literally", but(func(b *Binding) { b.Name = "orders-" }), []string{"pattern: "}},
		{"a prefix taken literally, in the middle of a word", but(func(b *Binding) { b.Name = "ord" }), []string{"pattern: "}},
		{"wrong type", but(func(b *Binding) { b.ResourceType = kafka.Group }), []string{"wrong type: it is about a Group"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var why []string
			for _, miss := range NearMisses([]Binding{test.rule}, q, kafka.Allow) {
				why = miss.Why
			}
			if len(why) != len(test.why) {
				t.Fatalf("got %q, want %q", why, test.why)
			}
			for i := range why {
				if !strings.HasPrefix(why[i], test.why[i]) {
					t.Errorf("got %q, want %q", why[i], test.why[i])
				}
			}
		})
	}
	short := Query{Principal: "User:reader", Operation: kafka.Read, ResourceType: kafka.Topic, Name: "t"}
	rule := short.Granting()
	rule.Principal = "User:CN=reader,C=CN"
	if misses := NearMisses([]Binding{rule}, short, kafka.Allow); len(misses) != 1 || !strings.HasPrefix(misses[0].Why[0], "long name: ") {
		t.Errorf("got %v, want a long name", misses)
	}
}

// FuzzNearMisses: a rule that decides is no near miss, the bounded search finds
// what the whole one does, and nothing written in rules or queries breaks either.
func FuzzNearMisses(f *testing.F) {
	f.Add("User:CN=a, O=b", "User:CN=a,O=b", "orders-*", "orders-1", "::1", "127.0.0.1")
	f.Add("User:*", "User:a", "*", "t", "*", "")
	f.Add("x", "User:", "", "t", "10.0.0.0/8", "10.0.0.1")
	f.Fuzz(func(t *testing.T, rule, seen, pattern, name, host, from string) {
		q := Query{Principal: seen, Host: from, Operation: kafka.Read, ResourceType: kafka.Topic, Name: name}
		for _, kind := range []kafka.PatternType{kafka.Literal, kafka.Prefixed} {
			b := Binding{ResourceType: kafka.Topic, Name: pattern, Pattern: kind, Principal: rule, Host: host, Operation: kafka.Read, Permission: kafka.Allow}
			if CheckCreate(b) != nil {
				continue
			}
			misses := NearMisses([]Binding{b}, q, kafka.Allow)
			rules := New([]Binding{b})
			if (&Authorizer{}).Authorize(rules, q).Allowed && len(misses) > 0 {
				t.Errorf("%v decides and is told as near: %v", b, misses)
			}
			if miss, found := rules.Nearest(q); found != (len(misses) > 0) || found && miss.Binding != b {
				t.Errorf("the bounded search says %v, the whole one %v", miss, misses)
			}
		}
	})
}
