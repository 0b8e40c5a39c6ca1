package acl

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"schloss/kafka"
)

// The words are few, so that bindings meet each other and the queries.
var (
	someNames      = []string{"*", "a", "ab", "abc", "abd", "b", "ba", "h", "hard", "hardcode", "hardcoded", "*a", "\xff", "ab\x00"}
	somePrincipals = []string{"User:a", "User:ab", "User:*", "Group:a", "User:CN=a,O=b", "User:a:b", "User:super"}
	someHosts      = []string{"*", "*", "10.0.0.1", "10.0.0.2", "2001:db8:0:0:0:0:0:7"}
	someTypes      = []kafka.ResourceType{kafka.Topic, kafka.Topic, kafka.Group, kafka.User}
	supers         = superList{"User:super"}
)

type superList []string

func (s superList) Has(p string) bool { return slices.Contains(s, p) }

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func randomOperation(r *rand.Rand) kafka.Operation {
	return kafka.All + kafka.Operation(r.IntN(int(kafka.TwoPhaseCommit-kafka.All)+1))
}

func randomBinding(r *rand.Rand) Binding {
	b := Binding{pick(r, someTypes), pick(r, someNames), kafka.Literal, pick(r, somePrincipals), pick(r, someHosts), randomOperation(r), kafka.Allow}
	if r.IntN(2) == 0 {
		b.Pattern = kafka.Prefixed
	}
	if r.IntN(3) == 0 {
		b.Permission = kafka.Deny
	}
	return b
}

// TestDecisionsAsModel makes more than 100,000 decisions on random rules,
// which grow and shrink, and compares them with the model's.
func TestDecisionsAsModel(t *testing.T) {
	const seed = 34
	r := rand.New(rand.NewPCG(seed, 0))
	for round := range 500 {
		var rules *Rules
		var m model
		for range 1 + r.IntN(4) {
			var add, remove []Binding
			for range r.IntN(10) {
				add = append(add, randomBinding(r))
			}
			for range r.IntN(4) {
				if len(m) > 0 {
					remove = append(remove, pick(r, m))
				}
			}
			rules = rules.With(add, remove)
			m = slices.DeleteFunc(m, func(b Binding) bool { return slices.Contains(remove, b) })
			for _, b := range add {
				if !slices.Contains(m, b) {
					m = append(m, b)
				}
			}
		}
		a := &Authorizer{Supers: supers, AllowEveryoneIfNoACL: r.IntN(2) == 0}
		for range 200 {
			q := Query{pick(r, somePrincipals), pick(r, someHosts), randomOperation(r), pick(r, someTypes), pick(r, someNames)}
			got := a.Authorize(rules, q)
			allowed, reason := m.authorize(q, supers, a.AllowEveryoneIfNoACL)
			if got.Allowed != allowed || got.Reason != reason {
				t.Fatalf("seed %d, round %d: Authorize(%+v) = %+v, want %v, %v; rules are %v", seed, round, q, got, allowed, reason, m)
			}
			if got.Reason == ByBinding && (!slices.Contains(m, got.Binding) || (got.Binding.Permission == kafka.Allow) != allowed) {
				t.Fatalf("seed %d, round %d: %+v is said to decide %+v", seed, round, got.Binding, q)
			}
			byType := a.AuthorizeByType(rules, q.Principal, q.Host, q.Operation, q.ResourceType)
			if want := m.byType(q.Principal, q.Host, q.Operation, q.ResourceType, supers, a.AllowEveryoneIfNoACL); byType.Allowed != want {
				t.Fatalf("seed %d, round %d: AuthorizeByType(%+v) = %+v, want %v; rules are %v", seed, round, q, byType, want, m)
			}
		}
	}
}

// TestSetAsModel checks that rules hold what was put in, in order, whatever
// the way there, and that older rules stay what they were.
func TestSetAsModel(t *testing.T) {
	r := rand.New(rand.NewPCG(35, 0))
	for range 200 {
		var rules *Rules
		var m model
		type past struct {
			rules *Rules
			m     model
		}
		var history []past
		for range 30 {
			b := randomBinding(r)
			history = append(history, past{rules, slices.Clone(m)})
			if r.IntN(3) > 0 || len(m) == 0 {
				rules = rules.With([]Binding{b}, nil)
				if !slices.Contains(m, b) {
					m = append(m, b)
				}
			} else {
				b = pick(r, m)
				rules = rules.With(nil, []Binding{b})
				m = slices.DeleteFunc(m, func(x Binding) bool { return x == b })
			}
			slices.SortFunc(m, compare)
		}
		history = append(history, past{rules, m})
		for i, p := range history {
			if got := slices.Collect(p.rules.All()); !slices.Equal(got, p.m) || p.rules.Len() != len(p.m) {
				t.Fatalf("after %d changes rules hold %d: %v\nwant %v", i, p.rules.Len(), got, p.m)
			}
		}
		if fresh := New(m); len(m) > 0 && !reflect.DeepEqual(fresh, rules) {
			t.Fatal("the same bindings have two shapes")
		}
		for range 20 {
			b := randomBinding(r)
			if got := rules.Has(b); got != slices.Contains(m, b) {
				t.Fatalf("Has(%v) = %v", b, got)
			}
			f := randomFilter(r)
			if got, want := rules.Match(f), m.match(f); !slices.Equal(got, want) {
				t.Fatalf("Match(%+v) = %v, want %v", f, got, want)
			}
		}
	}
}

func randomFilter(r *rand.Rand) Filter {
	b := randomBinding(r)
	f := Filter{kafka.ResourceAny, nil, pick(r, []kafka.PatternType{kafka.PatternAny, kafka.PatternMatch, kafka.Literal, kafka.Prefixed}),
		nil, nil, kafka.OperationAny, kafka.PermissionAny}
	if r.IntN(3) == 0 {
		f.ResourceType = b.ResourceType
	}
	if r.IntN(3) > 0 {
		f.Name = &b.Name
	}
	if r.IntN(4) == 0 {
		f.Principal = &b.Principal
	}
	if r.IntN(4) == 0 {
		f.Host = &b.Host
	}
	if r.IntN(4) == 0 {
		f.Operation = b.Operation
	}
	if r.IntN(4) == 0 {
		f.Permission = b.Permission
	}
	return f
}

func TestEmptyRules(t *testing.T) {
	var rules *Rules
	if rules.Len() != 0 || rules.Has(Binding{}) || rules.Match(Filter{kafka.ResourceAny, nil, kafka.PatternAny, nil, nil, kafka.OperationAny, kafka.PermissionAny}) != nil {
		t.Error("nil rules are not empty")
	}
	for b := range rules.All() {
		t.Errorf("nil rules hold %v", b)
	}
	all := Binding{kafka.Topic, "a", kafka.Literal, "User:a", "*", kafka.Read, kafka.Allow}
	if n := rules.With(nil, []Binding{all}).Len(); n != 0 {
		t.Errorf("removing from nothing leaves %d", n)
	}
	if n := New([]Binding{all, all}).Len(); n != 1 {
		t.Errorf("the same binding twice counts %d", n)
	}
	for b := range New([]Binding{all}).All() {
		if b != all {
			t.Errorf("got %v", b)
		}
		break // All must allow it
	}
}

// manyRules are 100,000 bindings: 20,000 principals with a topic, a prefix and
// a group of their own and some shared ones.
func manyRules() []Binding {
	r := rand.New(rand.NewPCG(36, 0))
	var all []Binding
	for i := range 20_000 {
		principal := "User:CN=client-" + word(r, 6) + ",OU=Team,O=Company,C=CN"
		own := "team-" + word(r, 3) + "." + word(r, 8)
		all = append(all,
			Binding{kafka.Topic, own, kafka.Literal, principal, "*", kafka.Read, kafka.Allow},
			Binding{kafka.Topic, own, kafka.Literal, principal, "*", kafka.Describe, kafka.Allow},
			Binding{kafka.Topic, own[:6+r.IntN(len(own)-6)], kafka.Prefixed, principal, "*", kafka.Write, kafka.Allow},
			Binding{kafka.Group, own, kafka.Prefixed, principal, "10.0.0.1", kafka.Read, kafka.Allow},
			Binding{kafka.Topic, "*", kafka.Literal, principal, "*", kafka.Describe, kafka.Allow})
		if i%1000 == 0 {
			all = append(all, Binding{kafka.Topic, own, kafka.Literal, "User:*", "*", kafka.Delete, kafka.Deny})
		}
	}
	return all
}

func word(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(r.IntN(26))
	}
	return string(b)
}

func TestAuthorizeAllocatesNothing(t *testing.T) {
	rules := New(manyRules()[:5000])
	a := &Authorizer{Supers: supers, AllowEveryoneIfNoACL: true}
	for b := range rules.All() {
		for _, principal := range []string{b.Principal, "User:nobody"} {
			q := Query{principal, "10.0.0.1", b.Operation, b.ResourceType, b.Name}
			if n := testing.AllocsPerRun(5, func() { a.Authorize(rules, q) }); n != 0 {
				t.Fatalf("Authorize(%+v) allocates %v times", q, n)
			}
		}
	}
}

func BenchmarkAuthorize(b *testing.B) {
	all := manyRules()
	rules := New(all)
	a := &Authorizer{Supers: supers}
	queries := make([]Query, 4096)
	for i := range queries {
		x := all[(i*7919)%len(all)]
		queries[i] = Query{x.Principal, "10.0.0.1", x.Operation, x.ResourceType, x.Name + "x"[:i&1]}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		a.Authorize(rules, queries[i&4095])
		i++
	}
}

func BenchmarkWith(b *testing.B) {
	rules := New(manyRules())
	add := []Binding{{kafka.Topic, "team-new", kafka.Literal, "User:new", "*", kafka.Read, kafka.Allow}}
	b.ReportAllocs()
	for b.Loop() {
		rules.With(add, nil)
	}
}

func BenchmarkAuthorizeByTypeInVain(b *testing.B) {
	rules := New(manyRules())
	a := &Authorizer{Supers: supers}
	b.ReportAllocs()
	for b.Loop() {
		a.AuthorizeByType(rules, "User:nobody", "10.0.0.1", kafka.Create, kafka.Topic)
	}
}
