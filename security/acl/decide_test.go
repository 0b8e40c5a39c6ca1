package acl

import (
	"bufio"
	"encoding/json"
	"net/netip"
	"os"
	"slices"
	"testing"

	"schloss/kafka"
)

// TestAsStandardAuthorizer compares with decisions that Kafka 3.9.1's
// StandardAuthorizer made on random rules. Super user is User:s.
func TestAsStandardAuthorizer(t *testing.T) {
	f, err := os.Open("testdata/standardauthorizer.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	count := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c struct {
			Everyone bool
			Bindings []row
			Queries  []row
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		var bindings []Binding
		for _, b := range c.Bindings {
			bindings = append(bindings, Binding{kafka.ResourceType(b.code(t, 0)), b.text(t, 1), kafka.PatternType(b.code(t, 2)), b.text(t, 3), b.text(t, 4),
				kafka.Operation(b.code(t, 5)), kafka.Permission(b.code(t, 6))})
		}
		rules, a := New(bindings), &Authorizer{Supers: superList{"User:s"}, AllowEveryoneIfNoACL: c.Everyone}
		for _, x := range c.Queries {
			count++
			host := HostOf(netip.MustParseAddr(x.text(t, 1)))
			if want := x.text(t, 2); host != want {
				t.Errorf("HostOf(%s) = %s, want %s", x.text(t, 1), host, want)
			}
			q := Query{x.text(t, 0), host, kafka.Operation(x.code(t, 3)), kafka.ResourceType(x.code(t, 4)), x.text(t, 5)}
			if got := a.Authorize(rules, q); got.Allowed != x.is(t, 6) {
				t.Errorf("Authorize(%+v) = %+v, Kafka says %v; everyone=%v, rules are %v", q, got, !got.Allowed, c.Everyone, bindings)
			}
			if got := a.AuthorizeByType(rules, q.Principal, q.Host, q.Operation, q.ResourceType); got.Allowed != x.is(t, 7) {
				t.Errorf("AuthorizeByType(%+v) = %+v, Kafka says %v; everyone=%v, rules are %v", q, got, !got.Allowed, c.Everyone, bindings)
			}
		}
	}
	if err := lines.Err(); err != nil || count < 500 {
		t.Errorf("compared %d decisions, want at least 500; %v", count, err)
	}
}

type row []json.RawMessage

func field[T any](t *testing.T, r row, i int) (v T) {
	t.Helper()
	if err := json.Unmarshal(r[i], &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (r row) text(t *testing.T, i int) string { return field[string](t, r, i) }
func (r row) code(t *testing.T, i int) int8   { return field[int8](t, r, i) }
func (r row) is(t *testing.T, i int) bool     { return field[bool](t, r, i) }

func TestAuthorizeRules(t *testing.T) {
	const p, q = "User:p", "User:q"
	topic := func(name string, pattern kafka.PatternType, principal, host string, op kafka.Operation, permission kafka.Permission) Binding {
		return Binding{kafka.Topic, name, pattern, principal, host, op, permission}
	}
	tests := []struct {
		name     string
		bindings []Binding
		query    Query
		everyone bool
		want     Decision
	}{
		{"nothing allows", nil, Query{p, "h", kafka.Read, kafka.Topic, "t"}, false, Decision{}},
		{"everyone where nothing is said", nil, Query{p, "h", kafka.Read, kafka.Topic, "t"}, true, Decision{true, DefaultAllow, Binding{}}},
		{"not everyone where something is said to another", []Binding{topic("t", kafka.Literal, q, "x", kafka.Write, kafka.Allow)},
			Query{p, "h", kafka.Read, kafka.Topic, "t"}, true, Decision{}},
		{"super user over deny", []Binding{topic("t", kafka.Literal, "User:*", "*", kafka.All, kafka.Deny)},
			Query{"User:super", "h", kafka.Read, kafka.Topic, "t"}, false, Decision{true, SuperUser, Binding{}}},
		{"wildcard deny over literal allow", []Binding{topic("t", kafka.Literal, p, "*", kafka.Read, kafka.Allow), topic("*", kafka.Literal, p, "*", kafka.Read, kafka.Deny)},
			Query{p, "h", kafka.Read, kafka.Topic, "t"}, false, Decision{false, ByBinding, topic("*", kafka.Literal, p, "*", kafka.Read, kafka.Deny)}},
		{"the most exact of three permissions", []Binding{topic("t", kafka.Literal, p, "*", kafka.All, kafka.Allow), topic("*", kafka.Literal, p, "*", kafka.Read, kafka.Allow), topic("t", kafka.Prefixed, p, "*", kafka.Read, kafka.Allow)},
			Query{p, "h", kafka.Read, kafka.Topic, "t"}, false, Decision{true, ByBinding, topic("t", kafka.Literal, p, "*", kafka.All, kafka.Allow)}},
		{"prefix equal to the name", []Binding{topic("test", kafka.Prefixed, p, "*", kafka.Write, kafka.Allow)},
			Query{p, "h", kafka.Write, kafka.Topic, "test"}, false, Decision{true, ByBinding, topic("test", kafka.Prefixed, p, "*", kafka.Write, kafka.Allow)}},
		{"prefixed star is no wildcard", []Binding{topic("*", kafka.Prefixed, p, "*", kafka.Write, kafka.Allow)},
			Query{p, "h", kafka.Write, kafka.Topic, "test"}, false, Decision{}},
		{"wildcard deny of a name that begins with a star", []Binding{topic("*", kafka.Literal, "User:*", "*", kafka.Read, kafka.Deny), topic("*a", kafka.Literal, p, "*", kafka.Read, kafka.Allow)},
			Query{p, "h", kafka.Read, kafka.Topic, "*a"}, false, Decision{false, ByBinding, topic("*", kafka.Literal, "User:*", "*", kafka.Read, kafka.Deny)}},
		{"read implies describe", []Binding{topic("t", kafka.Literal, p, "*", kafka.Read, kafka.Allow)},
			Query{p, "h", kafka.Describe, kafka.Topic, "t"}, false, Decision{true, ByBinding, topic("t", kafka.Literal, p, "*", kafka.Read, kafka.Allow)}},
		{"create implies nothing", []Binding{topic("t", kafka.Literal, p, "*", kafka.Create, kafka.Allow)},
			Query{p, "h", kafka.Describe, kafka.Topic, "t"}, false, Decision{}},
		{"deny read leaves describe", []Binding{topic("t", kafka.Literal, p, "*", kafka.Read, kafka.Deny), topic("t", kafka.Literal, p, "*", kafka.Write, kafka.Allow)},
			Query{p, "h", kafka.Describe, kafka.Topic, "t"}, false, Decision{true, ByBinding, topic("t", kafka.Literal, p, "*", kafka.Write, kafka.Allow)}},
		{"User:* covers other types", []Binding{topic("t", kafka.Literal, "User:*", "*", kafka.Read, kafka.Allow)},
			Query{"Group:g", "h", kafka.Read, kafka.Topic, "t"}, false, Decision{true, ByBinding, topic("t", kafka.Literal, "User:*", "*", kafka.Read, kafka.Allow)}},
		{"Group:* is a plain name", []Binding{topic("t", kafka.Literal, "Group:*", "*", kafka.Read, kafka.Allow)},
			Query{"Group:g", "h", kafka.Read, kafka.Topic, "t"}, false, Decision{}},
		{"another host", []Binding{topic("t", kafka.Literal, p, "10.0.0.1", kafka.Read, kafka.Allow)},
			Query{p, "10.0.0.2", kafka.Read, kafka.Topic, "t"}, false, Decision{}},
		{"an operation nobody has", []Binding{topic("t", kafka.Literal, p, "*", kafka.All, kafka.Allow)},
			Query{p, "h", kafka.OperationAny, kafka.Topic, "t"}, false, Decision{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := &Authorizer{Supers: supers, AllowEveryoneIfNoACL: test.everyone}
			if got := a.Authorize(New(test.bindings), test.query); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
	if d := (&Authorizer{}).Authorize(New(nil), Query{p, "h", kafka.Read, 99, "t"}); d.Allowed {
		t.Error("a resource type that does not exist is allowed")
	}
}

func TestAuthorizedOperations(t *testing.T) {
	rules := New([]Binding{
		{kafka.Topic, "t", kafka.Literal, "User:p", "*", kafka.Read, kafka.Allow},
		{kafka.Topic, "t", kafka.Literal, "User:p", "*", kafka.AlterConfigs, kafka.Allow},
		{kafka.Group, "g", kafka.Literal, "User:p", "*", kafka.All, kafka.Allow},
	})
	a := &Authorizer{Supers: supers}
	tests := []struct {
		query Query
		want  int32
	}{
		{Query{Principal: "User:p", Host: "h", ResourceType: kafka.Topic, Name: "t"}, 1<<kafka.Read | 1<<kafka.Describe | 1<<kafka.AlterConfigs | 1<<kafka.DescribeConfigs},
		{Query{Principal: "User:p", Host: "h", ResourceType: kafka.Group, Name: "g"}, 1<<kafka.Read | 1<<kafka.Delete | 1<<kafka.Describe},
		{Query{Principal: "User:q", Host: "h", ResourceType: kafka.Topic, Name: "t"}, 0},
		{Query{Principal: "User:super", Host: "h", ResourceType: kafka.TransactionalID, Name: "x"}, 1<<kafka.Write | 1<<kafka.Describe | 1<<kafka.TwoPhaseCommit},
	}
	for _, test := range tests {
		if got := a.AuthorizedOperations(rules, test.query); got != test.want {
			t.Errorf("AuthorizedOperations(%+v) = %b, want %b", test.query, got, test.want)
		}
	}
}

func TestHostOf(t *testing.T) {
	tests := []struct{ address, want string }{
		{"10.1.2.3", "10.1.2.3"}, {"::ffff:10.1.2.3", "10.1.2.3"}, {"::1", "0:0:0:0:0:0:0:1"}, {"2001:DB8::A0:7", "2001:db8:0:0:0:0:a0:7"},
		{"fe80::1%eth0", "fe80:0:0:0:0:0:0:1%eth0"},
	}
	for _, test := range tests {
		if got := HostOf(netip.MustParseAddr(test.address)); got != test.want {
			t.Errorf("HostOf(%s) = %s, want %s", test.address, got, test.want)
		}
	}
}

func TestValid(t *testing.T) {
	if !Valid(kafka.Topic, kafka.All) || !Valid(kafka.Cluster, kafka.IdempotentWrite) || Valid(kafka.Group, kafka.Write) || Valid(kafka.ResourceAny, kafka.All) {
		t.Error("Valid is wrong")
	}
	for kind := kafka.Topic; kind <= kafka.User; kind++ {
		if ops := Operations(kind); !slices.IsSorted(ops) || len(ops) == 0 {
			t.Errorf("operations of %s are %v", kind, ops)
		}
	}
}
