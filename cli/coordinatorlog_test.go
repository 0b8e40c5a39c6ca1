package cli

import (
	"encoding/json"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// offsetsSeeds are keys and values as coordinators write them.
func offsetsSeeds() [][2][]byte {
	key := kmsg.OffsetCommitKey{Version: 1, Group: "g", Topic: "t", Partition: 3}
	value := kmsg.OffsetCommitValue{Version: 3, Offset: 7, LeaderEpoch: -1, Metadata: "m", CommitTimestamp: 9}
	old := value
	old.Version, old.ExpireTimestamp = 1, 11
	group := kmsg.GroupMetadataKey{Version: 2, Group: "g<&>"}
	protocol := "range"
	subscription := kmsg.ConsumerMemberMetadata{Version: 3, Topics: []string{"t"}, Generation: -1}
	state := kmsg.GroupMetadataValue{Version: 3, ProtocolType: "consumer", Generation: 2, Protocol: &protocol, CurrentStateTimestamp: 5,
		Members: []kmsg.GroupMetadataValueMember{{MemberID: "m", ClientID: "c", ClientHost: "/h", RebalanceTimeoutMillis: 1, SessionTimeoutMillis: 2,
			Subscription: subscription.AppendTo(nil), Assignment: []byte{0, 0, 9}}}}
	return [][2][]byte{{key.AppendTo(nil), value.AppendTo(nil)}, {key.AppendTo(nil), old.AppendTo(nil)}, {key.AppendTo(nil), nil},
		{group.AppendTo(nil), state.AppendTo(nil)}, {{0, 3, 1, 'g'}, {0, 0}}, {nil, nil}}
}

func TestOffsetsRecordsAreJSON(t *testing.T) {
	want := []struct{ key, value string }{
		{`{"group":"g","topic":"t","partition":3}`, `{"offset":7,"leaderEpoch":-1,"metadata":"m","commitTimestamp":9}`},
		{`{"group":"g","topic":"t","partition":3}`, `{"offset":7,"metadata":"m","commitTimestamp":9,"expireTimestamp":11}`},
		{`{"group":"g","topic":"t","partition":3}`, ``},
		{`{"group":"g<&>"}`, `{"protocolType":"consumer","generation":2,"protocol":"range","leader":null,"currentStateTimestamp":5,"members":[` +
			`{"memberId":"m","groupInstanceId":null,"clientId":"c","clientHost":"/h","rebalanceTimeout":1,"sessionTimeout":2,` +
			`"subscription":{"topics":["t"],"userData":null,"ownedPartitions":[],"generationId":-1,"rackId":null},"assignment":"AAAJ"}]}`},
	}
	seeds := offsetsSeeds()
	for i, w := range want {
		r, err := decodeOffsetsRecord(seeds[i][0], seeds[i][1])
		if err != nil {
			t.Fatal(i, err)
		}
		if got, err := plainJSON(r.key); err != nil || string(got) != w.key {
			t.Errorf("%d: got %s, %v, want %s", i, got, err, w.key)
		}
		if w.value == "" {
			if r.value != nil {
				t.Errorf("%d: got %v, want a tombstone", i, r.value)
			}
			continue
		}
		if got, err := plainJSON(withProtocols(r.value)); err != nil || string(got) != w.value {
			t.Errorf("%d: got %s, %v, want %s", i, got, err, w.value)
		}
	}
	for i := len(want); i < len(seeds); i++ {
		if r, err := decodeOffsetsRecord(seeds[i][0], seeds[i][1]); err == nil {
			t.Errorf("%d: got %v, want an error", i, r)
		}
	}
}

func TestTransactionRecordIsJSON(t *testing.T) {
	key := kmsg.TxnMetadataKey{TransactionalID: "x"}
	value := kmsg.TxnMetadataValue{ProducerID: 1, ProducerEpoch: 2, TimeoutMillis: 3, State: kmsg.TransactionStateOngoing,
		Topics: []kmsg.TxnMetadataValueTopic{{Topic: "t", Partitions: []int32{0, 1}}}, LastUpdateTimestamp: 4, StartTimestamp: 5}
	r, err := decodeTransactionRecord(key.AppendTo(nil), value.AppendTo(nil))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"producerId":1,"producerEpoch":2,"transactionTimeoutMs":3,"transactionStatus":1,"transactionPartitions":[{"topic":"t","partitionIds":[0,1]}],` +
		`"transactionLastUpdateTimestampMs":4,"transactionStartTimestampMs":5}`
	if got, err := plainJSON(r.value); err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// FuzzCoordinatorRecord: whatever the bytes are, there is JSON or an error.
func FuzzCoordinatorRecord(f *testing.F) {
	for _, seed := range offsetsSeeds() {
		f.Add(seed[0], seed[1])
	}
	f.Add([]byte{0, 0, 0, 1, 'x'}, []byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})

	f.Fuzz(func(t *testing.T, key, value []byte) {
		for _, decode := range []func(k, v []byte) (coordinatorRecord, error){decodeOffsetsRecord, decodeTransactionRecord} {
			r, err := decode(key, value)
			if err != nil {
				continue
			}
			for _, o := range []jsonObject{r.key, withProtocols(r.value)} {
				if text, err := plainJSON(o); err != nil || !json.Valid(text) {
					t.Errorf("got %s, %v", text, err)
				}
			}
		}
	})
}
