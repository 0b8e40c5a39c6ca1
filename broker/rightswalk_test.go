package broker_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker"
	"schloss/client"
	"schloss/kafka"
	"schloss/security/acl"
)

var absentID = kafka.TopicID{0x5c, 0x41, 0x05, 0x50}

// rightsWalk goes through the table on one broker.
type rightsWalk struct {
	conn           *rawConn
	rules          *client.Admin
	hidden, absent subject
	ranges         map[string][2]int16 // of versions, by API
}

func newRightsWalk(t *testing.T) *rightsWalk {
	t.Helper()
	b := guarded(t)
	w := &rightsWalk{conn: rawConnect(t, b), rules: admin(t, b), ranges: map[string][2]int16{}}
	for _, a := range broker.APIs() {
		w.ranges[a.Name] = [2]int16{a.Min, a.Max}
	}
	w.hidden = subject{topic: hiddenTopic, group: hiddenGroup}
	w.absent = subject{topic: absentTopic, group: absentGroup, id: absentID}
	w.granting(t, []acl.Binding{topicRight(kafka.Describe)(w.hidden)}, func() {
		_, resp := w.ask(t, asked("Metadata")(w.hidden), 12)
		w.hidden.id = resp.(*kmsg.MetadataResponse).Topics[0].TopicID
	})
	if w.hidden.id == (kafka.TopicID{}) {
		t.Fatal("the hidden topic has no id")
	}
	return w
}

// ask is an answer, as bytes and read.
func (w *rightsWalk) ask(t *testing.T, req kmsg.Request, version int16) ([]byte, kmsg.Response) {
	t.Helper()
	w.conn.send(t, req, version)
	body, err := w.conn.receive(req.Key(), version)
	if err != nil {
		t.Fatalf("%T version %d: %v", req, version, err)
	}
	resp := req.ResponseKind()
	resp.SetVersion(version)
	if err := resp.ReadFrom(body); err != nil {
		t.Fatalf("%T version %d: read response: %v", req, version, err)
	}
	return body, resp
}

// granting runs do under rules, which are gone afterwards.
func (w *rightsWalk) granting(t *testing.T, bindings []acl.Binding, do func()) {
	t.Helper()
	if len(bindings) > 0 {
		if each, err := w.rules.CreateACLs(within(t), bindings); err != nil || slices.ContainsFunc(each, func(e error) bool { return e != nil }) {
			t.Fatalf("create ACLs: %v %v", err, each)
		}
	}
	do()
	everything := acl.Filter{ResourceType: kafka.ResourceAny, Pattern: kafka.PatternAny, Operation: kafka.OperationAny, Permission: kafka.PermissionAny}
	if _, err := w.rules.DeleteACLs(within(t), []acl.Filter{everything}); err != nil {
		t.Fatal(err)
	}
}

// versions are those a row is asked with; none when its API is not served.
func (w *rightsWalk) versions(r rightsRow) (all []int16) {
	of, ok := w.ranges[r.api]
	if !ok {
		return nil
	}
	last := of[1]
	if r.to > 0 {
		last = min(last, r.to)
	}
	for v := max(of[0], r.from); v <= last; v++ {
		all = append(all, v)
	}
	return all
}

// indistinct fails the test when the answers about two subjects differ in more
// than the names that were asked about, and returns the first.
func (w *rightsWalk) indistinct(t *testing.T, r rightsRow, version int16, a, b subject) kmsg.Response {
	t.Helper()
	there, resp := w.ask(t, r.ask(a), version)
	missing, _ := w.ask(t, r.ask(b), version)
	same := func(body []byte, s subject) []byte {
		for _, part := range []string{s.group, s.topic, string(s.id[:])} {
			body = bytes.ReplaceAll(body, []byte(part), []byte{'?'})
		}
		return body
	}
	if there, missing := same(there, a), same(missing, b); !bytes.Equal(there, missing) {
		t.Errorf("version %d tells what exists from what does not:\n%x\n%x", version, there, missing)
	}
	return resp
}

// refused fails the test when the answer is not a refusal.
func (r rightsRow) refused(t *testing.T, resp kmsg.Response, version int16) {
	t.Helper()
	got := codes(resp)
	denied := slices.ContainsFunc(got, denial)
	switch {
	case r.shows != nil:
		if r.shows(resp) {
			t.Errorf("version %d shows what it should leave out", version)
		}
	case r.byID:
		if slices.Contains(got, kafka.ErrTopicAuthorizationFailed) || !denied && !slices.Contains(got, kafka.ErrUnknownTopicID) {
			t.Errorf("version %d has codes %v, want the id to be unknown", version, got)
		}
	case !denied:
		t.Errorf("version %d has codes %v, want a denial", version, got)
	}
}

func TestEveryAPIIsInTheRightsTable(t *testing.T) {
	w := &rightsWalk{ranges: map[string][2]int16{}}
	covered := map[string]map[int16]bool{}
	for _, a := range broker.APIs() {
		w.ranges[a.Name] = [2]int16{a.Min, a.Max}
		covered[a.Name] = map[int16]bool{}
	}
	for _, r := range rightsTable() {
		if covered[r.api] == nil {
			t.Errorf("the table of rights has a row for %s, which is not served", r.api)
		}
		if len(r.enough) == 0 {
			t.Errorf("%s: no rights are named", r)
		}
		for _, v := range w.versions(r) {
			covered[r.api][v] = true
		}
	}
	for _, a := range broker.APIs() {
		for v := a.Min; v <= a.Max; v++ {
			if !covered[a.Name][v] && a.Name != "ApiVersions" && !(a.Name == "Produce" && v < 3) { // those close the connection
				t.Errorf("%s version %d is served and has no row in the table of rights", a.Name, v)
			}
		}
	}
}

// TestAStrangerLearnsNothing asks every API in every version about what is
// there and about what is not: the answers must be equal byte for byte, and
// come at once.
func TestAStrangerLearnsNothing(t *testing.T) {
	w := newRightsWalk(t)
	for _, r := range rightsTable() {
		t.Run(r.String(), func(t *testing.T) {
			for _, v := range w.versions(r) {
				r.refused(t, w.indistinct(t, r, v, w.hidden, w.absent), v)
			}
		})
	}
}

// TestOneRightTooFew takes away each right of each set that would be enough.
// What the missing one hides must stay hidden from who has the others.
func TestOneRightTooFew(t *testing.T) {
	w := newRightsWalk(t)
	for _, r := range rightsTable() {
		t.Run(r.String(), func(t *testing.T) {
			for _, set := range r.enough {
				for i := range set {
					missing := set[i](w.hidden)
					other := w.hidden
					switch missing.ResourceType {
					case kafka.Topic:
						other.topic, other.id = w.absent.topic, w.absent.id
					case kafka.Group:
						other.group = w.absent.group
					}
					var others []acl.Binding
					for _, g := range slices.Delete(slices.Clone(set), i, i+1) {
						others = append(others, g(w.hidden), g(w.absent))
					}
					slices.SortFunc(others, func(a, b acl.Binding) int { return bytes.Compare(fmt.Append(nil, a), fmt.Append(nil, b)) })
					w.granting(t, slices.Compact(others), func() {
						for _, v := range w.versions(r) {
							about := w.hidden
							if r.reveals {
								about, other = w.absent, w.absent
							}
							r.refused(t, w.indistinct(t, r, v, about, other), v)
						}
					})
				}
			}
		})
	}
}

func TestJustEnoughRightsAreEnough(t *testing.T) {
	w := newRightsWalk(t)
	for _, r := range rightsTable() {
		t.Run(r.String(), func(t *testing.T) {
			for _, set := range r.enough {
				about := w.hidden
				if r.absent {
					about = w.absent
				}
				var bindings []acl.Binding
				for _, g := range set {
					bindings = append(bindings, g(about))
				}
				w.granting(t, bindings, func() {
					for _, v := range w.versions(r) {
						r.served(t, w, about, v)
					}
				})
			}
		})
	}
}

// served fails the test when the answer is a refusal, or shows nothing.
func (r rightsRow) served(t *testing.T, w *rightsWalk, about subject, version int16) {
	t.Helper()
	_, resp := w.ask(t, r.ask(about), version)
	got := codes(resp)
	switch {
	case slices.ContainsFunc(got, denial):
		t.Errorf("version %d has codes %v with just enough rights", version, got)
	case r.shows != nil && !r.shows(resp):
		t.Errorf("version %d shows nothing to who may see it", version)
	case r.absent && r.missing != kafka.NoError && !slices.Contains(got, r.missing):
		t.Errorf("version %d has codes %v of what is absent, want %v", version, got, r.missing)
	case r.byID && !r.absent && slices.Contains(got, kafka.ErrUnknownTopicID):
		t.Errorf("version %d does not know the id", version)
	}
}

// TestADescriberIsToldWhichRightIsMissing asks by id with DESCRIBE alone: the
// topic is no secret then, and its client must not ask for its id for ever.
func TestADescriberIsToldWhichRightIsMissing(t *testing.T) {
	w := newRightsWalk(t)
	w.granting(t, []acl.Binding{topicRight(kafka.Describe)(w.hidden), groupRight(kafka.Read)(w.hidden)}, func() {
		for _, r := range rightsTable() {
			if !r.byID || r.api == "Metadata" || r.api == "OffsetFetch" { // DESCRIBE is what those need
				continue
			}
			for _, v := range w.versions(r) {
				if _, resp := w.ask(t, r.ask(w.hidden), v); !slices.Contains(codes(resp), kafka.ErrTopicAuthorizationFailed) {
					t.Errorf("%s version %d has codes %v, want TOPIC_AUTHORIZATION_FAILED", r, v, codes(resp))
				}
			}
		}
	})
}
