package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"schloss/kafka"
	"schloss/security/acl"
)

// fakeClock is moved by hand.
type fakeClock struct{ at time.Time }

func (c *fakeClock) now() time.Time          { return c.at }
func (c *fakeClock) advance(d time.Duration) { c.at = c.at.Add(d) }

func newFake() *fakeClock { return &fakeClock{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }

func denial(principal string) Record {
	return Record{Principal: principal, Host: "10.0.0.1", API: "Produce", Operation: kafka.Write, ResourceType: kafka.Topic, Resource: "test"}
}

func lines(t *testing.T, b *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for text := range strings.Lines(b.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(text), &entry); err != nil {
			t.Fatalf("line %q: %v", text, err)
		}
		all = append(all, entry)
	}
	b.Reset()
	return all
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// note notes a denial and lets the writer have it.
func note(t *testing.T, l *Log, r Record) {
	t.Helper()
	l.Denied(r)
	check(t, l.Tick())
}

func TestLineOfDenial(t *testing.T) {
	deny := acl.Binding{ResourceType: kafka.Topic, Name: "te", Pattern: kafka.Prefixed, Principal: "User:*", Host: "*", Operation: kafka.All, Permission: kafka.Deny}
	tests := []struct {
		name     string
		decision acl.Decision
		want     string
	}{
		{"no binding", acl.Decision{},
			`{"time":"2026-11-22T12:00:00.000Z","event":"denied","principal":"User:CN=a,O=b","host":"10.0.0.1","api":"Produce","operation":"WRITE","resourceType":"TOPIC","resource":"test","reason":"NoBinding",` +
				`"grant":"kafka-acls.sh --bootstrap-server HOST:PORT --command-config ADMIN.properties --add --allow-principal 'User:CN=a,O=b' --operation Write --topic 'test'"}`},
		{"a binding", acl.Decision{Reason: acl.ByBinding, Binding: deny},
			`{"time":"2026-11-22T12:00:00.000Z","event":"denied","principal":"User:CN=a,O=b","host":"10.0.0.1","api":"Produce","operation":"WRITE","resourceType":"TOPIC","resource":"test","reason":"Binding",` +
				`"binding":{"resourceType":"TOPIC","name":"te","patternType":"PREFIXED","principal":"User:*","host":"*","operation":"ALL","permissionType":"DENY"},` +
				`"grant":"kafka-acls.sh --bootstrap-server HOST:PORT --command-config ADMIN.properties --remove --force --deny-principal 'User:*' --operation All --topic 'te' --resource-pattern-type prefixed"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			r := denial("User:CN=a,O=b")
			r.Decision = test.decision
			note(t, New(&out, newFake().now), r)
			if got := out.String(); got != test.want+"\n" {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestLineBreaksCannotBeForged(t *testing.T) {
	var out bytes.Buffer
	r := denial("User:a\n{\"event\":\"allowed\"}")
	r.Resource = strings.Repeat("\u00fc", 40_000) + "\xff"
	note(t, New(&out, newFake().now), r)
	got := lines(t, &out)
	if len(got) != 1 || got[0]["event"] != "denied" {
		t.Fatalf("got %v", got)
	}
	if resource := got[0]["resource"].(string); len(resource) > maxText+40 || !strings.HasSuffix(resource, "\u00fc...(78977 bytes more)") {
		t.Errorf("resource ends in %q", resource[len(resource)-40:])
	}
}

func TestRepeatedDenialsAreCounted(t *testing.T) {
	var out bytes.Buffer
	clock := newFake()
	l := New(&out, clock.now)
	for range 5 {
		note(t, l, denial("User:a"))
		clock.advance(time.Second)
	}
	note(t, l, denial("User:b"))
	if got := lines(t, &out); len(got) != 2 {
		t.Fatalf("wrote %v, want the first denial of each", got)
	}
	clock.advance(5 * time.Second) // 10 s after the first
	check(t, l.Tick())
	got := lines(t, &out)
	if len(got) != 1 || got[0]["repeated"] != 4.0 || got[0]["principal"] != "User:a" || got[0]["since"] != "2026-11-22T12:00:00.000Z" {
		t.Fatalf("wrote %v, want 4 repetitions of User:a", got)
	}
	note(t, l, denial("User:a"))
	if got := lines(t, &out); len(got) != 1 || got[0]["repeated"] != nil {
		t.Fatalf("wrote %v, want a new window with a line of its own", got)
	}
	clock.advance(time.Minute)
	note(t, l, denial("User:c"))
	if got := lines(t, &out); len(got) != 1 || got[0]["principal"] != "User:c" {
		t.Fatalf("wrote %v: what came once needs no count", got)
	}
}

func TestEndedWindowsAreWrittenByTheNextDenial(t *testing.T) {
	var out bytes.Buffer
	clock := newFake()
	l := New(&out, clock.now)
	note(t, l, denial("User:a"))
	note(t, l, denial("User:a"))
	clock.advance(window)
	note(t, l, denial("User:a"))
	got := lines(t, &out)
	if len(got) != 3 || got[1]["repeated"] != 1.0 || got[2]["repeated"] != nil {
		t.Errorf("wrote %v", got)
	}
}

func TestFlush(t *testing.T) {
	var out bytes.Buffer
	l := New(&out, newFake().now)
	for range 3 {
		note(t, l, denial("User:a"))
	}
	lines(t, &out)
	check(t, l.Flush())
	if got := lines(t, &out); len(got) != 1 || got[0]["repeated"] != 2.0 {
		t.Errorf("wrote %v", got)
	}
	check(t, l.Flush())
	if out.Len() != 0 {
		t.Errorf("a second flush wrote %s", &out)
	}
}

func TestManyGoroutines(t *testing.T) {
	var out bytes.Buffer
	l := New(&out, newFake().now)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 500 {
				l.Denied(denial(fmt.Sprint("User:", i%10)))
			}
		})
	}
	wg.Wait()
	check(t, l.Flush())
	sum := 0.0
	for _, entry := range lines(t, &out) {
		sum++
		if n, ok := entry["repeated"].(float64); ok {
			sum += n - 1
		}
	}
	if sum != 8*500 {
		t.Errorf("lines account for %v denials, want %d", sum, 8*500)
	}
}

func TestLineNamesTheNearestBinding(t *testing.T) {
	var out bytes.Buffer
	r := denial("User:CN=a,O=b")
	near := acl.Binding{ResourceType: kafka.Topic, Name: "test", Pattern: kafka.Literal, Principal: "User:CN=a, O=b", Host: "*", Operation: kafka.Write, Permission: kafka.Allow}
	r.Rules = acl.New([]acl.Binding{near})
	clock := newFake()
	log := New(&out, clock.now)
	note(t, log, r)
	r.Rules = r.Rules.With(nil, nil) // other rules, the same denial
	note(t, log, r)
	clock.advance(window)
	check(t, log.Tick())
	all := lines(t, &out)
	if len(all) != 2 || all[1]["repeated"] != 1.0 {
		t.Fatalf("got %v, want a line and a count", all)
	}
	nearest, _ := all[0]["nearest"].(map[string]any)
	if nearest["principal"] != near.Principal || !strings.Contains(fmt.Sprint(nearest["misses"]), "blanks: those around the parts of a principal count; the broker sees User:CN=a,O=b") {
		t.Errorf("got %v, want %v", nearest, near)
	}
	long := denial("User:" + strings.Repeat("x", maxText))
	note(t, log, long)
	if all := lines(t, &out); all[0]["grant"] != nil {
		t.Errorf("got %v: a command with half a name", all[0]["grant"])
	}
}
