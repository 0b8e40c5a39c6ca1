//go:build interop

package interop

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/peers"
	"schloss/internal/testkit"
	"schloss/kafka"
	"schloss/kafka/batch"
)

// TestTheWireIsKafkas plays the same requests to our broker and to real ones
// and compares what they answer, line by line. Where 3.9.1 and 4.3.1 differ
// from each other, ours must be one of them.
func TestTheWireIsKafkas(t *testing.T) {
	settings := map[string]string{"group.initial.rebalance.delay.ms": "0", "offsets.topic.num.partitions": "4", "auto.create.topics.enable": "false"}
	ours := testkit.Start(t, testkit.Options{Properties: settings})
	last3 := realBroker(t, peers.BrokerConfig{Version: peers.Last3, Settings: settings})
	newest := realBroker(t, peers.BrokerConfig{Version: peers.Newest, Settings: settings})
	for _, tt := range []struct {
		name string
		play func(*player)
	}{
		{"sessions by name", func(p *player) { p.sessions(11) }},
		{"sessions by id", func(p *player) { p.sessions(17) }},
		{"sessions and recreated topics, by name", func(p *player) { p.recreated(12) }},
		{"sessions and recreated topics, by id", func(p *player) { p.recreated(16) }},
		{"groups and offsets are deleted", (*player).deletions},
		{"static members", (*player).staticMembers},
		{"members without ids", (*player).memberIDs},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on := func(addr string) string {
				p := &player{t: t, addr: addr, conns: make(map[string]*wireConn), made: make(map[int32]string), ids: make(map[string][16]byte)}
				tt.play(p)
				return p.out.String()
			}
			got, old, now := on(ours.Addr), on(last3.Plaintext), on(newest.Plaintext)
			if got != old && got != now {
				t.Errorf("ours says (<), Kafka 3.9.1 (3), Kafka 4.3.1 (4):\n%s", sideBySide(got, old, now))
			}
		})
	}
}

func sideBySide(ours, old, now string) string {
	a, b, c := strings.Split(ours, "\n"), strings.Split(old, "\n"), strings.Split(now, "\n")
	at := func(lines []string, i int) string {
		if i < len(lines) {
			return lines[i]
		}
		return ""
	}
	var out strings.Builder
	for i := range max(len(a), len(b), len(c)) {
		if at(a, i) == at(b, i) && at(a, i) == at(c, i) {
			fmt.Fprintf(&out, "   %s\n", at(a, i))
			continue
		}
		fmt.Fprintf(&out, " < %s\n 3 %s\n 4 %s\n", at(a, i), at(b, i), at(c, i))
	}
	return out.String()
}

// player sends requests to one broker and writes down what it answers, with
// stable names for what brokers choose.
type player struct {
	t       *testing.T
	addr    string
	out     strings.Builder
	conns   map[string]*wireConn
	made    map[int32]string
	ids     map[string][16]byte // of topics
	members map[string]int      // by the order in which they were named
	mine    string              // what the groups of the play begin with
}

func (p *player) say(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

// wireConn is one connection; answers come in the order of requests.
type wireConn struct {
	net.Conn
	next int32
}

func (p *player) conn(name string) *wireConn {
	p.t.Helper()
	if c := p.conns[name]; c != nil {
		return c
	}
	sock, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = sock.Close() })
	p.conns[name] = &wireConn{Conn: sock}
	return p.conns[name]
}

func (p *player) send(name string, req kmsg.Request, version int16) {
	p.t.Helper()
	c := p.conn(name)
	req.SetVersion(version)
	c.next++
	out := kmsg.NewRequestFormatter(kmsg.FormatterClientID("wire")).AppendRequest(nil, req, c.next)
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		p.t.Fatal(err)
	}
	if _, err := c.Write(out); err != nil {
		p.t.Fatal(err)
	}
}

func (p *player) receive(name string, req kmsg.Request) kmsg.Response {
	p.t.Helper()
	c := p.conn(name)
	size := make([]byte, 4)
	if _, err := io.ReadFull(c, size); err != nil {
		p.t.Fatalf("%T version %d: %v, after\n%s", req, req.GetVersion(), err, p.out.String())
	}
	frame := make([]byte, binary.BigEndian.Uint32(size))
	if _, err := io.ReadFull(c, frame); err != nil {
		p.t.Fatal(err)
	}
	body := frame[4:]
	if req.IsFlexible() {
		body = body[1:]
	}
	resp := req.ResponseKind()
	resp.SetVersion(req.GetVersion())
	if err := resp.ReadFrom(body); err != nil {
		p.t.Fatalf("%T version %d: %v", resp, req.GetVersion(), err)
	}
	return resp
}

func (p *player) ask(req kmsg.Request, version int16) kmsg.Response {
	p.t.Helper()
	p.send("", req, version)
	return p.receive("", req)
}

func code(c int16) string { return kafka.ErrorCode(c).Error() }

func (p *player) create(name string, partitions int32) {
	p.t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 20000
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, 1
	req.Topics = append(req.Topics, topic)
	resp := p.ask(req, 7).(*kmsg.CreateTopicsResponse)
	if c := resp.Topics[0].ErrorCode; c != 0 {
		p.t.Fatalf("create %s: %s", name, code(c))
	}
	p.ids[name] = resp.Topics[0].TopicID
	p.settle(name, true)
}

func (p *player) drop(name string) {
	p.t.Helper()
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis, req.TopicNames = 20000, []string{name}
	if c := p.ask(req, 5).(*kmsg.DeleteTopicsResponse).Topics[0].ErrorCode; c != 0 {
		p.t.Fatalf("delete %s: %s", name, code(c))
	}
	p.settle(name, false)
}

// settle waits until the broker itself knows whether there is the topic.
func (p *player) settle(name string, there bool) {
	p.t.Helper()
	eventually(p.t, 20*time.Second, func() error {
		req := kmsg.NewPtrMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{{Topic: &name}}
		t := p.ask(req, 8).(*kmsg.MetadataResponse).Topics[0]
		ready := t.ErrorCode == 0 && len(t.Partitions) > 0
		for _, part := range t.Partitions {
			ready = ready && part.Leader >= 0 && part.ErrorCode == 0
		}
		if ready != there {
			return fmt.Errorf("topic %s: there is %v, want %v", name, ready, there)
		}
		return nil
	})
	time.Sleep(300 * time.Millisecond) // Kafka's replicas follow its metadata
}

// produce puts one record of size bytes into each of the partitions.
func (p *player) produce(topic string, size int, partitions ...int32) {
	p.t.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 10000
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	for _, i := range partitions {
		part := kmsg.NewProduceRequestTopicPartition()
		part.Partition, part.Records = i, p.oneRecord(size)
		t.Partitions = append(t.Partitions, part)
	}
	req.Topics = append(req.Topics, t)
	for _, part := range p.ask(req, 8).(*kmsg.ProduceResponse).Topics[0].Partitions {
		if part.ErrorCode != 0 {
			p.t.Fatalf("produce to %s-%d: %s", topic, part.Partition, code(part.ErrorCode))
		}
	}
}

// serves says whether the broker knows a version.
func (p *player) serves(req kmsg.Request, version int16) bool {
	p.t.Helper()
	for _, k := range p.ask(kmsg.NewPtrApiVersionsRequest(), 2).(*kmsg.ApiVersionsResponse).ApiKeys {
		if k.ApiKey == req.Key() {
			return k.MinVersion <= version && version <= k.MaxVersion
		}
	}
	return false
}

func (p *player) oneRecord(size int) []byte {
	p.t.Helper()
	builder := batch.NewBuilder(batch.None)
	builder.Add(batch.Record{Timestamp: time.Now().UnixMilli(), Value: make([]byte, size)})
	b, err := builder.Build()
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}
