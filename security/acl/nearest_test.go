package acl

import (
	"fmt"
	"strings"
	"testing"

	"schloss/kafka"
)

func TestNearest(t *testing.T) {
	const seen = "User:CN=Xi Hu,OU=YourDept,C=CN"
	base := Binding{ResourceType: kafka.Topic, Name: "orders-1", Pattern: kafka.Literal, Principal: seen, Host: "*", Operation: kafka.Write, Permission: kafka.Allow}
	but := func(change func(*Binding)) Binding {
		b := base
		change(&b)
		return b
	}
	host := but(func(b *Binding) { b.Host = "10.0.0.9" })
	blanks := but(func(b *Binding) { b.Principal = "User:CN=Xi Hu, OU=YourDept, C=CN" })
	order := but(func(b *Binding) { b.Principal = "User:C=CN,OU=YourDept,CN=Xi Hu" })
	common := but(func(b *Binding) { b.Principal = "User:Xi Hu" })
	reads := but(func(b *Binding) { b.Operation = kafka.Read })
	literal := but(func(b *Binding) { b.Name = "orders-" })
	starred := but(func(b *Binding) { b.Name = "orders-*" })
	slip := but(func(b *Binding) { b.Name = "ordres-1" })
	denies := but(func(b *Binding) { b.Permission = kafka.Deny; b.Host = "10.0.0.9" })
	stranger := but(func(b *Binding) { b.Principal = "User:CN=Other,OU=YourDept,C=CN" })
	group := but(func(b *Binding) { b.ResourceType = kafka.Group })
	tests := []struct {
		name  string
		rules []Binding
		want  Binding // zero: none
		why   string
	}{
		{"nothing", nil, Binding{}, ""},
		{"another host", []Binding{reads, host}, host, "host: it is for 10.0.0.9 alone"},
		{"blanks in the name", []Binding{blanks}, blanks, "blanks: those around the parts of a principal count; the broker sees " + seen},
		{"parts in another order", []Binding{order}, order, "order: its parts stand in reverse"},
		{"the common name alone", []Binding{common}, common, "short name: "},
		{"another operation", []Binding{reads, literal}, reads, "other operation: it is for Read, which does not imply Write"},
		{"a prefix taken literally", []Binding{literal, slip}, literal, "pattern: "},
		{"a star behind a prefix", []Binding{starred}, starred, "star: "},
		{"a slip in the name", []Binding{slip}, slip, `spelling: it is for "ordres-1"`},
		{"a denial is no permission", []Binding{denies}, Binding{}, ""},
		{"somebody else", []Binding{stranger}, Binding{}, ""},
		{"another type of resource", []Binding{group}, Binding{}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := Query{Principal: seen, Host: "127.0.0.1", Operation: kafka.Write, ResourceType: kafka.Topic, Name: "orders-1"}
			rules := New(test.rules)
			if (&Authorizer{}).Authorize(rules, q).Allowed {
				t.Fatal("it is allowed")
			}
			miss, ok := rules.Nearest(q)
			if ok != (test.want != Binding{}) || miss.Binding != test.want || !strings.HasPrefix(strings.Join(miss.Why, "; "), test.why) {
				t.Errorf("got %v because %q, want %v because %q", miss.Binding, miss.Why, test.want, test.why)
			}
			if granted := New([]Binding{q.Granting()}); !(&Authorizer{}).Authorize(granted, q).Allowed {
				t.Errorf("%s does not allow it", q.Granting())
			}
		})
	}
	if _, ok := (*Rules)(nil).Nearest(Query{ResourceType: kafka.Topic}); ok {
		t.Error("no rules have a nearest one")
	}
}

func TestFlags(t *testing.T) {
	tests := []struct {
		binding Binding
		want    string
	}{
		{Query{Principal: "User:CN=O'Brian", Operation: kafka.ClusterAction, ResourceType: kafka.Cluster, Name: kafka.ClusterName}.Granting(),
			`--allow-principal 'User:CN=O'\''Brian' --operation ClusterAction --cluster`},
		{Binding{ResourceType: kafka.Group, Name: "g-", Pattern: kafka.Prefixed, Principal: "User:*", Host: "10.0.0.1", Operation: kafka.All, Permission: kafka.Deny},
			`--deny-principal 'User:*' --deny-host '10.0.0.1' --operation All --group 'g-' --resource-pattern-type prefixed`},
	}
	for _, test := range tests {
		if got := test.binding.Flags(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestMisspelt(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"orders", "ordres"}: true, {"orders", "order"}: true, {"orders", "0rders"}: true, {"orders", "orderz"}: true,
		{"orders", "orders"}: false, {"orders", "payments"}: false, {"orders", "oders1"}: false, {"", "orders"}: false, {"a", "b"}: false,
	} {
		if got := misspelt(pair[0], pair[1]); got != want {
			t.Errorf("%q and %q: got %v, want %v", pair[0], pair[1], got, want)
		}
	}
}

// BenchmarkNearest is a denial among many rules: its search is bounded.
func BenchmarkNearest(b *testing.B) {
	var bindings []Binding
	for i := range 20000 {
		bindings = append(bindings, Binding{ResourceType: kafka.Topic, Name: fmt.Sprint("t", i), Pattern: kafka.Literal, Principal: fmt.Sprintf("User:CN=user%05d,O=Test", i%5000), Host: "*", Operation: kafka.Read, Permission: kafka.Allow})
	}
	rules := New(bindings)
	q := Query{Principal: "User:CN=nobody0,O=Test", Host: "10.0.0.1", Operation: kafka.Write, ResourceType: kafka.Topic, Name: "orders"}
	for b.Loop() {
		rules.Nearest(q)
	}
}
