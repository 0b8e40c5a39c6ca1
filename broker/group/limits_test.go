package group

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"schloss/kafka"
)

// joined makes a stable group "g" of one member with this subscription.
func (h *harness) joined(subscription []byte) (member string) {
	h.run(h.c.Join(h.now, JoinRequest{Group: "g", ClientID: "a", SessionTimeout: 30 * time.Minute, RebalanceTimeout: time.Minute, ProtocolType: consumerProtocol,
		Protocols: []Protocol{{Name: "range", Metadata: subscription}}}, func(j JoinResponse) { member = j.MemberID }))
	h.advance(h.cfg.InitialRebalanceDelay)
	h.run(h.c.Sync(h.now, SyncRequest{Group: "g", MemberID: member, Generation: 1}, func(SyncResponse) {}))
	h.finish(kafka.NoError)
	return member
}

func TestUnsubscribedTopicsExpire(t *testing.T) {
	read := kafka.TopicPartition{Topic: "read"}
	left := kafka.TopicPartition{Topic: "left"}
	cases := []struct {
		name         string
		subscription string
		want         int // offsets that stay
	}{
		{"a topic that no member reads any more goes", "\x00\x03\x00\x00\x00\x01\x00\x04read\xff\xff\xff\xff", 1},
		{"a subscription that cannot be read keeps all", "\x00\x03\x00\x00\x00\x09\x00\x04read", 2},
		{"no subscription keeps all", "", 2},
		{"a negative version keeps all", "\xff\xff\x00\x00\x00\x00", 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t)
			member := h.joined([]byte(c.subscription))
			h.run(h.c.Commit(h.now, CommitRequest{Group: "g", MemberID: member, Generation: 1, Offsets: []PartitionOffset{{Partition: read, Offset: 1}, {Partition: left, Offset: 2}}},
				func(CommitResponse) {}))
			h.finish(kafka.NoError)
			for h.now.Before(t0.Add(h.cfg.OffsetsRetention + time.Hour)) {
				h.advance(20 * time.Minute)
				code, fx := h.c.Heartbeat(h.now, HeartbeatRequest{Group: "g", MemberID: member, Generation: 1})
				h.run(fx)
				if code != kafka.NoError {
					t.Fatalf("at %v: heartbeat: %v", h.now.Sub(t0), code)
				}
				for len(h.pending) > 0 {
					h.finish(kafka.NoError)
				}
			}
			if got := h.c.AllCommittedOffsets("g"); len(got) != c.want {
				t.Errorf("got %+v, want %d offsets", got, c.want)
			}
		})
	}
}

func TestRequestsTooLongForRecords(t *testing.T) {
	long := strings.Repeat("x", maxString+1)
	good := JoinRequest{Group: "g", ClientID: "a", SessionTimeout: 10 * time.Second, ProtocolType: "consumer", Protocols: []Protocol{{Name: "range"}}}
	cases := []struct {
		name   string
		change func(*JoinRequest)
		want   kafka.ErrorCode
	}{
		{"group", func(r *JoinRequest) { r.Group = long }, kafka.ErrInvalidGroupID},
		{"client id", func(r *JoinRequest) { r.ClientID = long[:maxString] }, kafka.ErrInvalidRequest},
		{"client host", func(r *JoinRequest) { r.ClientHost = long }, kafka.ErrInvalidRequest},
		{"instance id", func(r *JoinRequest) { r.InstanceID = long }, kafka.ErrInvalidConfig},
		{"protocol type", func(r *JoinRequest) { r.ProtocolType = long }, kafka.ErrInconsistentGroupProtocol},
		{"protocol", func(r *JoinRequest) { r.Protocols = []Protocol{{Name: long}} }, kafka.ErrInconsistentGroupProtocol},
	}
	for _, c := range cases {
		h := newHarness(t)
		r := good
		c.change(&r)
		got := kafka.NoError
		h.run(h.c.Join(h.now, r, func(j JoinResponse) { got = j.Error }))
		if got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	h := newHarness(t)
	h.cfg.MetadataMaxBytes = 1 << 20
	h.start()
	h.run(h.c.Commit(h.now, CommitRequest{Group: "g", Generation: -1, Offsets: []PartitionOffset{
		{Partition: kafka.TopicPartition{Topic: "t"}, Metadata: long},
		{Partition: kafka.TopicPartition{Topic: long}},
	}}, func(r CommitResponse) {
		if got, want := fmt.Sprint(r.Errors), "[OFFSET_METADATA_TOO_LARGE UNKNOWN_TOPIC_OR_PARTITION]"; got != want {
			t.Errorf("commit: got %s, want %s", got, want)
		}
	}))
	if len(h.pending) > 0 || len(h.c.List()) > 0 {
		t.Errorf("refused commits leave %v and %v behind", h.pending, h.c.List())
	}
}

// TestManyOffsetsGoInSeveralBatches deletes a group whose tombstones do not fit
// into one batch, and of which one fails.
func TestManyOffsetsGoInSeveralBatches(t *testing.T) {
	h := newHarness(t)
	var offsets []PartitionOffset
	for p := range int32(9000) {
		offsets = append(offsets, PartitionOffset{Partition: kafka.TopicPartition{Topic: strings.Repeat("t", 60), Partition: p}})
	}
	h.run(h.c.Commit(h.now, CommitRequest{Group: "g", Generation: -1, Offsets: offsets}, func(CommitResponse) {}))
	h.finish(kafka.NoError)

	var answers []kafka.ErrorCode
	note := func(code kafka.ErrorCode) { answers = append(answers, code) }
	h.run(h.c.Delete(h.now, "g", note))
	if len(h.pending) != 3 {
		t.Fatalf("got %d batches of tombstones, want 3", len(h.pending))
	}
	h.finish(kafka.NoError)
	h.finish(kafka.ErrRequestTimedOut)
	h.finish(kafka.NoError)
	left := len(h.c.AllCommittedOffsets("g"))
	if left == 0 || left == len(offsets) || h.c.Describe("g").State != Empty {
		t.Errorf("got %d offsets in a group that is %v, want those of one batch, and Empty", left, h.c.Describe("g").State)
	}
	h.run(h.c.Delete(h.now, "g", note))
	h.finish(kafka.NoError)
	if got, want := fmt.Sprint(answers), "[COORDINATOR_NOT_AVAILABLE NONE]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if l := h.c.List(); len(l) > 0 {
		t.Errorf("got groups %+v, want none", l)
	}
}

func TestBeforeStart(t *testing.T) {
	c := New(Defaults(nil))
	const loading = kafka.ErrCoordinatorLoadInProgress
	if c.Ready() != loading || !c.Deadline().IsZero() || !c.IsLive(encodeGroupKey("g"), 0) {
		t.Errorf("got %v, deadline %v", c.Ready(), c.Deadline())
	}
	var join JoinResponse
	var sync SyncResponse
	var commit CommitResponse
	var removed kafka.ErrorCode
	for _, fx := range []Effects{
		c.Join(t0, JoinRequest{Group: "g"}, func(r JoinResponse) { join = r }),
		c.Sync(t0, SyncRequest{Group: "g"}, func(r SyncResponse) { sync = r }),
		c.Commit(t0, CommitRequest{Group: "g", Generation: -1, Offsets: make([]PartitionOffset, 1)}, func(r CommitResponse) { commit = r }),
		c.Delete(t0, "g", func(code kafka.ErrorCode) { removed = code }),
	} {
		for _, r := range fx.Replies {
			r()
		}
	}
	heartbeat, _ := c.Heartbeat(t0, HeartbeatRequest{Group: "g"})
	leave, _ := c.Leave(t0, LeaveRequest{Group: "g"})
	got := []kafka.ErrorCode{join.Error, commit.Errors[0], removed, leave.Error, c.Describe("g").Error, sync.Error, heartbeat}
	// Members that wait or beat meanwhile need not find the coordinator anew.
	want := []kafka.ErrorCode{loading, loading, loading, loading, loading, kafka.ErrRebalanceInProgress, kafka.NoError}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
