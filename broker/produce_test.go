package broker_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/batch"
)

// build is a batch of records with these values.
func build(t testing.TB, change func(*batch.Builder), values ...string) batch.Batch {
	t.Helper()
	builder := batch.NewBuilder(batch.None)
	for i, v := range values {
		builder.Add(batch.Record{Offset: kafka.Offset(i), Timestamp: time.Now().UnixMilli(), Value: []byte(v)})
	}
	if change != nil {
		change(builder)
	}
	b, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// flagged is a batch of an idempotent producer with attributes set.
func flagged(t *testing.T, a batch.Attributes) batch.Batch {
	b := build(t, nil, "v")
	b.Rewrite(batch.Rewrite{Attributes: a, ProducerID: 1})
	return b
}

func produceRequest(topic string, acks int16, records []byte) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = acks, 5000
	req.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: records}}}}
	return req
}

func createTopic(t *testing.T, c *rawConn, name string, configs map[string]string) {
	t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
	for k, v := range configs {
		topic.Configs = append(topic.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: k, Value: &v})
	}
	req.Topics = append(req.Topics, topic)
	if got := codes(c.ask(t, req, 7)); got[0] != kafka.NoError {
		t.Fatalf("create %s: %v", name, got)
	}
}

func TestProduceRefusesWhatIsNotAGoodBatch(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "plain", nil)
	createTopic(t, c, "small", map[string]string{"max.message.bytes": "100"})
	createTopic(t, c, "compacted", map[string]string{"cleanup.policy": "compact"})
	createTopic(t, c, "strict", map[string]string{"message.timestamp.before.max.ms": "1000", "message.timestamp.after.max.ms": "1000"})
	createTopic(t, c, "safe", map[string]string{"min.insync.replicas": "2"})
	good := build(t, nil, "v")
	flipped := slices.Clone(good)
	flipped[len(flipped)-1] ^= 1
	old := build(t, nil, "v")
	old[16] = 1 // magic
	offset := build(t, nil, "v")
	offset.StampAppend(5, 0)
	tests := []struct {
		name    string
		topic   string
		version int16
		acks    int16
		records []byte
		want    kafka.ErrorCode
	}{
		{"a good batch", "plain", 9, -1, good, kafka.NoError},
		{"no bytes", "plain", 9, -1, []byte{}, kafka.ErrCorruptMessage},
		{"a header cut short", "plain", 9, -1, good[:30], kafka.ErrCorruptMessage},
		{"records cut short", "plain", 9, -1, good[:len(good)-1], kafka.ErrCorruptMessage},
		{"a flipped bit", "plain", 9, -1, flipped, kafka.ErrCorruptMessage},
		{"an old message format", "plain", 9, -1, old, kafka.ErrInvalidRecord},
		{"two batches", "plain", 9, -1, append(slices.Clone(good), good...), kafka.ErrInvalidRecord},
		{"a base offset", "plain", 9, -1, offset, kafka.ErrInvalidRecord},
		{"a control batch", "plain", 9, -1, flagged(t, batch.ControlBit), kafka.ErrInvalidRecord},
		{"a transactional batch", "plain", 9, -1, flagged(t, batch.TransactionalBit), kafka.ErrTransactionalIDAuthorizationFailed},
		{"a producer without sequence", "plain", 9, -1, build(t, func(b *batch.Builder) { b.ProducerID, b.ProducerEpoch = 1, 0 }, "v"), kafka.ErrInvalidRecord},
		{"longer than max.message.bytes", "small", 9, -1, build(t, nil, "this is far too long for a topic of one hundred bytes"), kafka.ErrMessageTooLarge},
		{"no key on a compacted topic", "compacted", 9, -1, good, kafka.ErrInvalidRecord},
		{"a time long ago", "strict", 9, -1, build(t, func(b *batch.Builder) { b.Reset(); b.Add(batch.Record{Timestamp: 1000}) }), kafka.ErrInvalidTimestamp},
		{"a time to come", "strict", 9, -1, build(t, func(b *batch.Builder) { b.Reset(); b.Add(batch.Record{Timestamp: time.Now().UnixMilli() + 100000}) }), kafka.ErrInvalidTimestamp},
		{"fewer replicas than demanded", "safe", 9, -1, good, kafka.ErrNotEnoughReplicas},
		{"fewer replicas, acks one", "safe", 9, 1, good, kafka.NoError},
		{"strange acks", "plain", 9, 7, good, kafka.ErrInvalidRequiredAcks},
		{"the groups' own topic", kafka.ConsumerOffsetsTopic, 9, -1, good, kafka.ErrInvalidTopicException},
		{"a topic that is missing", "absent", 9, -1, good, kafka.ErrUnknownTopicOrPartition},
		{"the oldest version", "plain", 3, -1, good, kafka.NoError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := c.ask(t, produceRequest(tt.topic, tt.acks, tt.records), tt.version).(*kmsg.ProduceResponse)
			p := resp.Topics[0].Partitions[0]
			if got := kafka.ErrorCode(p.ErrorCode); got != tt.want {
				t.Errorf("got %v (%s), want %v", got, text(p.ErrorMessage), tt.want)
			}
			if (p.BaseOffset >= 0) != (tt.want == kafka.NoError) {
				t.Errorf("base offset %d with %v", p.BaseOffset, tt.want)
			}
		})
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestProduceNamesTheRecordThatIsAtFault(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "keyed", map[string]string{"cleanup.policy": "compact"})
	records := build(t, func(b *batch.Builder) {
		b.Add(batch.Record{Key: []byte("k"), Value: []byte("v")})
		b.Add(batch.Record{Offset: 1, Value: []byte("v")})
	})
	p := c.ask(t, produceRequest("keyed", -1, records), 8).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	if len(p.ErrorRecords) != 1 || p.ErrorRecords[0].RelativeOffset != 1 {
		t.Errorf("records at fault are %v, want the one at index 1", p.ErrorRecords)
	}
}

func TestLogAppendTimeIsTheBrokers(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "stamped", map[string]string{"message.timestamp.type": "LogAppendTime"})
	before := time.Now().UnixMilli()
	p := c.ask(t, produceRequest("stamped", -1, build(t, nil, "v")), 9).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	if p.LogAppendTime < before {
		t.Fatalf("append time %d, want at least %d", p.LogAppendTime, before)
	}
	got := fetched(t, c, "stamped")
	if !got.Attributes().LogAppendTime() || got.MaxTimestamp() != p.LogAppendTime || got.Check() != nil {
		t.Errorf("stored batch has time %d, flag %v, check %v", got.MaxTimestamp(), got.Attributes().LogAppendTime(), got.Check())
	}
}

// fetched is the first batch of a topic's partition 0.
func fetched(t *testing.T, c *rawConn, topic string) batch.Batch {
	t.Helper()
	resp := c.ask(t, askFetch(topic, ""), 11).(*kmsg.FetchResponse)
	one, _, err := batch.Split(resp.Topics[0].Partitions[0].RecordBatches)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

func TestABatchSentTwiceIsStoredOnce(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "once", nil)
	numbered := func(sequence int32) batch.Batch {
		return build(t, func(b *batch.Builder) { b.ProducerID, b.ProducerEpoch, b.BaseSequence = 77, 0, sequence }, "a", "b")
	}
	for _, step := range []struct {
		name     string
		sequence int32
		offset   int64
		code     kafka.ErrorCode
	}{
		{"first", 0, 0, kafka.NoError},
		{"second", 2, 2, kafka.NoError},
		{"first again", 0, 0, kafka.NoError},
		{"a gap", 6, -1, kafka.ErrOutOfOrderSequenceNumber},
		{"third", 4, 4, kafka.NoError},
	} {
		p := c.ask(t, produceRequest("once", -1, numbered(step.sequence)), 9).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
		if p.BaseOffset != step.offset || kafka.ErrorCode(p.ErrorCode) != step.code {
			t.Errorf("%s: offset %d, %v; want %d, %v", step.name, p.BaseOffset, kafka.ErrorCode(p.ErrorCode), step.offset, step.code)
		}
	}
}

func TestAcksNoneClosesTheConnectionOnAnError(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	createTopic(t, c, "quiet", nil)
	c.send(t, produceRequest("quiet", 0, build(t, nil, "v")), 9)
	if got := fetchedWhenThere(t, c); !bytes.Contains(got, []byte("v")) {
		t.Errorf("fetched %x", got)
	}
	c.send(t, produceRequest("absent", 0, build(t, nil, "v")), 9)
	if _, err := c.receive(0, 9); err == nil {
		t.Error("got a response to acks=0, want the connection closed")
	}
}

func fetchedWhenThere(t *testing.T, c *rawConn) []byte {
	t.Helper()
	req := askFetch("quiet", "").(*kmsg.FetchRequest)
	req.MinBytes, req.MaxWaitMillis = 1, int32(patience.Milliseconds())
	return c.ask(t, req, 11).(*kmsg.FetchResponse).Topics[0].Partitions[0].RecordBatches
}

func TestVersionsThatAreNotServedCloseTheConnection(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	for _, tt := range []struct {
		name    string
		req     kmsg.Request
		version int16
	}{
		{"Produce of old", produceRequest("x", 1, nil), 2},
		{"Metadata to come", kmsg.NewPtrMetadataRequest(), 99},
		{"an API of controllers", kmsg.NewPtrLeaderAndISRRequest(), 0},
		{"a negative version", kmsg.NewPtrMetadataRequest(), -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := rawConnect(t, b)
			c.send(t, tt.req, tt.version)
			if _, err := c.receive(tt.req.Key(), 0); err == nil {
				t.Error("got an answer, want the connection closed")
			}
		})
	}
}

func TestApiVersionsOfAFutureClient(t *testing.T) {
	b := testkit.Start(t, testkit.Options{})
	c := rawConnect(t, b)
	c.send(t, kmsg.NewPtrApiVersionsRequest(), 4)
	if _, err := c.receive(18, 4); err != nil {
		t.Fatal(err)
	}
	c.next++
	frame := []byte{0, 0, 0, 14, 0, 18, 0, 99, 0, 0, 0, 7, 0xff, 0xff, 0, 0xad, 0xbe, 0xef}
	if _, err := c.Write(frame); err != nil {
		t.Fatal(err)
	}
	body, err := c.receive(18, 0)
	if err != nil {
		t.Fatal(err)
	}
	resp := kmsg.NewPtrApiVersionsResponse() // in version 0, whatever was asked
	if err := resp.ReadFrom(body); err != nil {
		t.Fatal(err)
	}
	if kafka.ErrorCode(resp.ErrorCode) != kafka.ErrUnsupportedVersion || len(resp.ApiKeys) != 1 || resp.ApiKeys[0].ApiKey != 18 {
		t.Errorf("got code %d and %v", resp.ErrorCode, resp.ApiKeys)
	}
}
