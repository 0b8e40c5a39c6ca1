package broker_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/config"
	"schloss/security/acl"
	"schloss/security/ssl"
)

// fetchIn is a fetch of a session: of partition 0 of each topic, answered at
// once.
func fetchIn(id, epoch int32, topics ...string) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.SessionID, req.SessionEpoch = 1<<20, id, epoch
	for _, topic := range topics {
		req.Topics = append(req.Topics, askFetch(topic, "").(*kmsg.FetchRequest).Topics...)
	}
	return req
}

// told is what a response tells, as topic-partition:code, in its order.
func told(resp *kmsg.FetchResponse) string {
	var out []string
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			out = append(out, fmt.Sprintf("%s-%d:%s", t.Topic, p.Partition, kafka.ErrorCode(p.ErrorCode).Error()))
		}
	}
	return strings.Join(out, " ")
}

func (c *rawConn) fetch(t testing.TB, req *kmsg.FetchRequest) *kmsg.FetchResponse {
	t.Helper()
	return c.ask(t, req, 11).(*kmsg.FetchResponse)
}

// begin makes a session and returns its id.
func (c *rawConn) begin(t testing.TB, topics ...string) int32 {
	t.Helper()
	resp := c.fetch(t, fetchIn(0, 0, topics...))
	if resp.SessionID == 0 {
		t.Fatalf("no session was made: %s", told(resp))
	}
	return resp.SessionID
}

// tlsConnect connects with the certificate of an identity.
func tlsConnect(t *testing.T, b *testkit.Broker, name string) *rawConn {
	t.Helper()
	p, err := config.ReadFile(b.Client(t, name))
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := config.Admin.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	stores, err := ssl.ClientConfig(v)
	if err != nil {
		t.Fatal(err)
	}
	host, _, err := net.SplitHostPort(b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	c, err := tls.Dial("tcp", b.Addr, stores.Client(host))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &rawConn{Conn: c}
}

func put(t testing.TB, c *rawConn, topic, value string) {
	t.Helper()
	if got := codes(c.ask(t, produceRequest(topic, -1, build(t, nil, value)), 9)); got[0] != kafka.NoError {
		t.Fatal(got)
	}
}

// TestASessionIsJudgedAnew withdraws and gives back a right on one of the
// topics that a session remembers.
func TestASessionIsJudgedAnew(t *testing.T) {
	b := testkit.Start(t, testkit.Options{Authorizer: true, ACLs: []acl.Binding{
		right(kafka.Topic, "a", kafka.All), right(kafka.Topic, "b", kafka.All), right(kafka.Cluster, kafka.ClusterName, kafka.Create)}})
	rules, c := admin(t, b), rawConnect(t, b)
	createTopic(t, c, "a", nil)
	createTopic(t, c, "b", nil)
	id, epoch := c.begin(t, "a", "b"), int32(0)
	next := func(want string) {
		t.Helper()
		epoch++
		if got := c.fetch(t, fetchIn(id, epoch)); got.ErrorCode != 0 || told(got) != want {
			t.Errorf("epoch %d: code %d, told %q, want %q", epoch, got.ErrorCode, told(got), want)
		}
	}
	next("")
	deny := right(kafka.Topic, "b", kafka.Read)
	deny.Permission = kafka.Deny
	if _, err := rules.CreateACLs(within(t), []acl.Binding{deny}); err != nil {
		t.Fatal(err)
	}
	next("b-0:TOPIC_AUTHORIZATION_FAILED")
	put(t, c, "b", "secret")
	next("b-0:TOPIC_AUTHORIZATION_FAILED")
	filter := acl.Filter{ResourceType: kafka.Topic, Pattern: kafka.PatternAny, Operation: kafka.OperationAny, Permission: kafka.Deny}
	if _, err := rules.DeleteACLs(within(t), []acl.Filter{filter}); err != nil {
		t.Fatal(err)
	}
	next("b-0:NONE")
	if !strings.Contains(b.Log.String(), `"api":"Fetch","operation":"READ","resourceType":"TOPIC","resource":"b"`) {
		t.Errorf("the denials of a session are not in the audit log:\n%s", b.Log)
	}
}

// TestWhoMayReadNothingGetsNoSession keeps strangers out of the slots.
func TestWhoMayReadNothingGetsNoSession(t *testing.T) {
	b := testkit.Start(t, testkit.Options{Authorizer: true})
	c := rawConnect(t, b)
	got := c.fetch(t, fetchIn(0, 0, "secret", "absent"))
	if got.SessionID != 0 || told(got) != "secret-0:TOPIC_AUTHORIZATION_FAILED absent-0:TOPIC_AUTHORIZATION_FAILED" {
		t.Errorf("session %d, told %q", got.SessionID, told(got))
	}
}

// TestASessionBelongsToItsPrincipal goes on with, and closes, somebody else's.
func TestASessionBelongsToItsPrincipal(t *testing.T) {
	b := testkit.Start(t, testkit.Options{TLS: true})
	b.Certs.Issue(t, "owner")
	b.Certs.Issue(t, "thief")
	owner, thief := tlsConnect(t, b, "owner"), tlsConnect(t, b, "thief")
	createTopic(t, owner, "t", nil)
	id := owner.begin(t, "t")
	for _, tt := range []struct {
		name string
		req  *kmsg.FetchRequest
		want kafka.ErrorCode
	}{
		{"go on", fetchIn(id, 1), kafka.ErrFetchSessionIDNotFound},
		{"a wrong epoch tells nothing more", fetchIn(id, 5), kafka.ErrFetchSessionIDNotFound},
		{"close", fetchIn(id, -1, "t"), kafka.NoError},
		{"replace", fetchIn(id, 0, "t"), kafka.NoError},
	} {
		if got := thief.fetch(t, tt.req); got.ErrorCode != int16(tt.want) {
			t.Errorf("%s: code %d, want %v", tt.name, got.ErrorCode, tt.want)
		}
	}
	if got := owner.fetch(t, fetchIn(id, 1)); got.ErrorCode != 0 || got.SessionID != id {
		t.Errorf("the owner's session has gone: code %d", got.ErrorCode)
	}
}

// TestASessionWalksThroughDeletionAndRecreation has parked fetches told of
// what happens to a topic.
func TestASessionWalksThroughDeletionAndRecreation(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c, other := rawConnect(t, b), rawConnect(t, b)
	for _, topic := range []string{"goes", "stays"} {
		createTopic(t, c, topic, nil)
	}
	put(t, c, "goes", "old")
	id, epoch := c.begin(t, "goes", "stays"), int32(0)
	step := func(while func(), topics ...string) string {
		t.Helper()
		epoch++
		req := fetchIn(id, epoch, topics...)
		if len(topics) > 0 && topics[0] == "goes" {
			req.Topics[0].Partitions[0].FetchOffset = 1
		}
		if while != nil {
			req.MaxWaitMillis, req.MinBytes = int32(patience/time.Millisecond/2), 1
		}
		began := time.Now()
		c.send(t, req, 11)
		if while != nil {
			while()
		}
		body, err := c.receive(req.Key(), 11)
		if err != nil {
			t.Fatal(err)
		}
		resp := kmsg.NewPtrFetchResponse()
		resp.Version = 11
		if err := resp.ReadFrom(body); err != nil || resp.ErrorCode != 0 {
			t.Fatalf("code %d, %v", resp.ErrorCode, err)
		}
		// A deletion may overtake the fetch that is to wait for it, and what is
		// refused from the start is told when the wait is over.
		if took := time.Since(began); took > patience/4 && !strings.Contains(told(resp), "UNKNOWN_TOPIC") {
			t.Errorf("epoch %d took %v: it was not woken", epoch, took)
		}
		return told(resp)
	}
	same := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: told %q, want %q", what, got, want)
		}
	}
	same("it is read", step(nil, "goes"), "")
	same("it is deleted while a fetch waits", step(func() {
		other.ask(t, &kmsg.DeleteTopicsRequest{TopicNames: []string{"goes"}, TimeoutMillis: 1000}, 4)
	}), "goes-0:UNKNOWN_TOPIC_OR_PARTITION")
	same("it is still gone", step(nil), "goes-0:UNKNOWN_TOPIC_OR_PARTITION")
	same("records come to the other one", step(func() { put(t, other, "stays", "v") }), "stays-0:NONE goes-0:UNKNOWN_TOPIC_OR_PARTITION")
	createTopic(t, other, "goes", nil)
	same("one of its name is there, and shorter", step(nil), "goes-0:OFFSET_OUT_OF_RANGE stays-0:NONE")
	stays := fetchIn(id, epoch+1, "stays", "goes")
	stays.Topics[0].Partitions[0].FetchOffset = 1
	epoch++
	same("both are read on", told(c.fetch(t, stays)), "goes-0:NONE")
	same("it has records", step(func() { put(t, other, "goes", "new") }), "goes-0:NONE")
}

// TestADeletionWakesAFetch deletes the topic that a fetch waits for. The deletion
// may overtake the fetch, but not each time.
func TestADeletionWakesAFetch(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c, other := rawConnect(t, b), rawConnect(t, b)
	const tries = 6
	for i := range tries {
		topic := fmt.Sprint("goes", i)
		createTopic(t, c, topic, nil)
		waits := fetchIn(c.begin(t, topic), 1)
		waits.MaxWaitMillis, waits.MinBytes = 2000, 1
		began := time.Now()
		c.send(t, waits, 11)
		other.ask(t, &kmsg.DeleteTopicsRequest{TopicNames: []string{topic}, TimeoutMillis: 1000}, 4)
		if _, err := c.receive(waits.Key(), 11); err != nil {
			t.Fatal(err)
		}
		if time.Since(began) < time.Duration(waits.MaxWaitMillis)*time.Millisecond {
			return
		}
	}
	t.Errorf("none of %d deletions woke the fetch that waited", tries)
}

// TestAFetchThatIsOvertakenEndsAtOnce sends the next request of a session
// while one waits.
func TestAFetchThatIsOvertakenEndsAtOnce(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	id := c.begin(t, "t")
	waits := fetchIn(id, 1)
	waits.MaxWaitMillis, waits.MinBytes = int32(patience/time.Millisecond/2), 1
	began := time.Now()
	c.send(t, waits, 11)
	c.send(t, fetchIn(id, 2), 11)
	for _, want := range []kafka.ErrorCode{kafka.ErrInvalidFetchSessionEpoch, kafka.NoError} {
		body, err := c.receive(1, 11)
		if err != nil {
			t.Fatal(err)
		}
		resp := kmsg.NewPtrFetchResponse()
		resp.Version = 11
		if err := resp.ReadFrom(body); err != nil || resp.ErrorCode != int16(want) || resp.SessionID != id {
			t.Errorf("code %d session %d (%v), want %v of session %d", resp.ErrorCode, resp.SessionID, err, want, id)
		}
	}
	if took := time.Since(began); took > patience/4 {
		t.Errorf("it took %v", took)
	}
}

// TestSlotsAreASetting fills the slots and switches sessions off.
func TestSlotsAreASetting(t *testing.T) {
	for _, tt := range []struct{ slots, made int }{{0, 0}, {2, 2}} {
		b := testkit.Start(t, testkit.Options{Properties: map[string]string{"max.incremental.fetch.session.cache.slots": fmt.Sprint(tt.slots)}})
		createTopic(t, rawConnect(t, b), "t", nil)
		made := 0
		for range 4 {
			if rawConnect(t, b).fetch(t, fetchIn(0, 0, "t")).SessionID != 0 {
				made++
			}
		}
		if made != tt.made {
			t.Errorf("%d slots: %d sessions are made, want %d", tt.slots, made, tt.made)
		}
	}
}

// TestThousandsOfSessionsOfOneConnection asks for many with many partitions,
// and leaves room for others and little in memory.
func TestThousandsOfSessionsOfOneConnection(t *testing.T) {
	const sessions, partitions, allowed = 3000, 300, 96 << 20
	b := testkit.Start(t, testkit.Options{})
	c, other := rawConnect(t, b), rawConnect(t, b)
	createTopic(t, c, "t", nil)
	honest := other.begin(t, "t")
	req := fetchIn(0, 0, "t")
	for i := range int32(partitions) {
		req.Topics[0].Partitions = append(req.Topics[0].Partitions, kmsg.FetchRequestTopicPartition{Partition: 1000 + i, CurrentLeaderEpoch: -1})
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	ids := make(map[int32]bool)
	for range sessions {
		ids[c.fetch(t, req).SessionID] = true
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > allowed {
		t.Errorf("%d sessions hold %d bytes, %d are allowed", len(ids), held, allowed)
	}
	if got := other.fetch(t, fetchIn(honest, 1)); got.ErrorCode != 0 {
		t.Errorf("somebody else's session has gone: code %d", got.ErrorCode)
	}
	found := 0
	for id := range ids {
		if id != 0 && c.fetch(t, fetchIn(id, 7)).ErrorCode == int16(kafka.ErrInvalidFetchSessionEpoch) {
			found++
		}
	}
	if found == 0 || found > 1000 {
		t.Errorf("%d sessions are there, want at most the 1000 slots", found)
	}
}

// TestGuessedSessionsAndEpochs sends what no client sends.
func TestGuessedSessionsAndEpochs(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	id := c.begin(t, "t")
	for _, tt := range []struct {
		name      string
		id, epoch int32
		want      kafka.ErrorCode
	}{
		{"another id", id ^ 1, 1, kafka.ErrFetchSessionIDNotFound},
		{"a negative id", -id, 1, kafka.ErrFetchSessionIDNotFound},
		{"no id", 0, 1, kafka.ErrFetchSessionIDNotFound},
		{"the largest epoch", id, 1<<31 - 1, kafka.ErrInvalidFetchSessionEpoch},
		{"the smallest epoch", id, -1 << 31, kafka.ErrInvalidFetchSessionEpoch},
		{"a later epoch", id, 2, kafka.ErrInvalidFetchSessionEpoch},
		{"as a replica", id, 1, kafka.ErrFetchSessionIDNotFound},
	} {
		req := fetchIn(tt.id, tt.epoch, "t")
		if tt.name == "as a replica" {
			req.ReplicaID = 1
		}
		if got := c.fetch(t, req); got.ErrorCode != int16(tt.want) || got.SessionID != 0 || len(got.Topics) > 0 {
			t.Errorf("%s: code %d, session %d, %d topics, want %v alone", tt.name, got.ErrorCode, got.SessionID, len(got.Topics), tt.want)
		}
	}
	if got := c.fetch(t, fetchIn(id, 1)); got.ErrorCode != 0 {
		t.Errorf("the session did not outlive it: code %d", got.ErrorCode)
	}
}

// TestASessionIsTheSameInEveryVersion reads through sessions with each version
// of Fetch, by a client that keeps one.
func TestASessionIsTheSameInEveryVersion(t *testing.T) {
	b := testkit.Start(t, testkit.Options{Properties: map[string]string{"num.partitions": "5"}})
	p := connect(t, b, kgo.RecordPartitioner(kgo.RoundRobinPartitioner()), kgo.ProducerBatchMaxBytes(1024), kgo.ProducerLinger(0))
	want := numbered("v", 300)
	produce(t, p, "t", want...)
	for _, version := range []int16{7, 11, 12, 13, 15, 17} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			versions := kversion.Stable()
			versions.SetMaxKeyVersion(int16(kmsg.Fetch), version)
			c := connect(t, b, kgo.ConsumeTopics("t"), kgo.MaxVersions(versions), kgo.FetchMaxBytes(1500))
			got := consume(t, c, len(want))
			slices.Sort(got)
			sorted := slices.Clone(want)
			slices.Sort(sorted)
			same(t, got, sorted)
		})
	}
}

// TestAPartitionThatIsMissingLeavesTheOthers names one that is not there
// before one that is.
func TestAPartitionThatIsMissingLeavesTheOthers(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	req := fetchIn(0, 0, "t")
	there := req.Topics[0].Partitions[0]
	missing := there
	missing.Partition = 9
	req.Topics[0].Partitions = []kmsg.FetchRequestTopicPartition{missing, there}
	if got, want := told(c.fetch(t, req)), "t-0:NONE t-9:UNKNOWN_TOPIC_OR_PARTITION"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}
