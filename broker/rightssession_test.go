package broker_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/security/acl"
)

// sessionFetch makes a session (epoch 0), or goes on with one and says nothing
// new.
func sessionFetch(s subject, id, epoch int32) *kmsg.FetchRequest {
	req := askFetch(s.topic, "").(*kmsg.FetchRequest)
	req.Topics[0].TopicID = s.id
	req.SessionID, req.SessionEpoch = id, epoch
	if epoch > 0 {
		req.Topics = nil
	}
	return req
}

// TestASessionTellsNothing compares sessions over a topic that the caller may
// read and one that is hidden or not there, in their first and later answers.
func TestASessionTellsNothing(t *testing.T) {
	w := newRightsWalk(t)
	friend := subject{topic: "friend"}
	var rights []acl.Binding
	for _, op := range []kafka.Operation{kafka.Create, kafka.Read, kafka.Write} {
		rights = append(rights, topicRight(op)(friend))
	}
	w.granting(t, rights, func() {
		_, resp := w.ask(t, asked("Metadata")(friend), 12)
		friend.id = resp.(*kmsg.MetadataResponse).Topics[0].TopicID
		for version := int16(7); version <= w.ranges["Fetch"][1]; version++ {
			there, missing := w.session(t, version, friend, w.hidden), w.session(t, version, friend, w.absent)
			if !bytes.Equal(there, missing) {
				t.Errorf("version %d tells what exists from what does not:\n%x\n%x", version, there, missing)
			}
		}
	})
}

// session is what a session over two topics answers in three requests, without
// its id and the second's names.
func (w *rightsWalk) session(t *testing.T, version int16, friend, s subject) (all []byte) {
	t.Helper()
	var id int32
	for epoch := range int32(3) {
		req := sessionFetch(friend, id, epoch)
		if epoch == 0 {
			req.Topics = append(req.Topics, sessionFetch(s, 0, 0).Topics...)
		}
		body, resp := w.ask(t, req, version)
		if id = resp.(*kmsg.FetchResponse).SessionID; id == 0 {
			t.Fatalf("version %d: no session, codes %v", version, codes(resp))
		}
		all = append(all, body[:6]...)  // throttle time and error code
		all = append(all, body[10:]...) // what follows the session's id
	}
	for _, name := range []string{s.topic, string(s.id[:])} {
		all = bytes.ReplaceAll(all, []byte(name), []byte{'?'})
	}
	return all
}

// TestARightIsWithdrawnWhileASessionLives reads in a session, withdraws READ,
// and goes on with the session: no record may come any more, although the
// client names nothing anew.
func TestARightIsWithdrawnWhileASessionLives(t *testing.T) {
	w := newRightsWalk(t)
	for version := int16(7); version <= w.ranges["Fetch"][1]; version++ {
		var id int32
		w.granting(t, []acl.Binding{topicRight(kafka.Read)(w.hidden)}, func() {
			_, resp := w.ask(t, sessionFetch(w.hidden, 0, 0), version)
			id = resp.(*kmsg.FetchResponse).SessionID
			if got := bytesOf(resp); got == 0 || id == 0 {
				t.Fatalf("version %d: fetched %d bytes in session %d with the right to", version, got, id)
			}
		})
		_, resp := w.ask(t, sessionFetch(w.hidden, id, 1), version)
		want := kafka.ErrTopicAuthorizationFailed
		if version >= 13 {
			want = kafka.ErrUnknownTopicID
		}
		if got := codes(resp); bytesOf(resp) > 0 || !slices.Contains(got, want) {
			t.Errorf("version %d: fetched %d bytes with codes %v after the right was withdrawn, want %v", version, bytesOf(resp), got, want)
		}
		w.granting(t, []acl.Binding{topicRight(kafka.Read)(w.hidden)}, func() {
			if _, resp := w.ask(t, sessionFetch(w.hidden, id, 2), version); bytesOf(resp) == 0 {
				t.Errorf("version %d: the right came back and the records did not; codes %v", version, codes(resp))
			}
		})
	}
}

func bytesOf(resp kmsg.Response) (n int) {
	for _, topic := range resp.(*kmsg.FetchResponse).Topics {
		for _, p := range topic.Partitions {
			n += len(p.RecordBatches)
		}
	}
	return n
}
