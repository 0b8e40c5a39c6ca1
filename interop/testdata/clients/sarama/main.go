// The scenario of ../README.md with sarama.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 6 {
		log.Fatal("usage: sarama BOOTSTRAP CA TENANT ADMIN NAME")
	}
	s := scenario{bootstrap: []string{os.Args[1]}, ca: os.Args[2], tenant: os.Args[3], admin: os.Args[4], name: os.Args[5]}
	if err := s.run(); err != nil {
		log.Fatal(err)
	}
}

type scenario struct {
	bootstrap               []string
	ca, tenant, admin, name string
}

func (s *scenario) config(pem string) (*sarama.Config, error) {
	certificate, err := tls.LoadX509KeyPair(pem, pem)
	if err != nil {
		return nil, err
	}
	root, err := os.ReadFile(s.ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion
	c.Net.TLS.Enable = true
	c.Net.TLS.Config = &tls.Config{Certificates: []tls.Certificate{certificate}, RootCAs: roots}
	c.Producer.Return.Successes = true
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Net.MaxOpenRequests = 1
	c.Producer.Compression = sarama.CompressionLZ4
	c.Producer.Retry.Max = 2
	c.Metadata.Retry.Max = 2
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Offsets.AutoCommit.Enable = false
	c.Consumer.Group.Heartbeat.Interval = 300 * time.Millisecond
	return c, nil
}

// member is one consumer of the group.
type member struct {
	mu       sync.Mutex
	seen     map[string]bool // shared by both
	assigned int
	stop     context.CancelFunc
	done     chan error
}

var seenMu sync.Mutex

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.assigned = 0
	for _, partitions := range session.Claims() {
		m.assigned += len(partitions)
	}
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case <-session.Context().Done():
			return nil
		case message, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			session.MarkMessage(message, "")
			session.Commit()
			seenMu.Lock()
			m.seen[string(message.Value)] = true
			seenMu.Unlock()
		}
	}
}

func (m *member) holds() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.assigned
}

func (s *scenario) join(seen map[string]bool) (*member, error) {
	config, err := s.config(s.tenant)
	if err != nil {
		return nil, err
	}
	group, err := sarama.NewConsumerGroup(s.bootstrap, s.name, config)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &member{seen: seen, stop: stop, done: make(chan error, 1)}
	go func() {
		for ctx.Err() == nil {
			if err := group.Consume(ctx, []string{s.name}, m); err != nil {
				m.done <- err
				return
			}
		}
		m.done <- group.Close()
	}()
	return m, nil
}

func wait(what string, check func() bool) error {
	for end := time.Now().Add(40 * time.Second); !check(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("no %s within 40 s", what)
		}
	}
	return nil
}

func (s *scenario) run() error {
	config, err := s.config(s.admin)
	if err != nil {
		return err
	}
	admin, err := sarama.NewClusterAdmin(s.bootstrap, config)
	if err != nil {
		return err
	}
	defer admin.Close()
	if err := s.create(admin); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	if config, err = s.config(s.tenant); err != nil {
		return err
	}
	producer, err := sarama.NewSyncProducer(s.bootstrap, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	if err := s.consume(producer); err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	offsets, err := admin.ListConsumerGroupOffsets(s.name, map[string][]int32{s.name: {0, 1, 2, 3}})
	if err != nil {
		return fmt.Errorf("list offsets: %w", err)
	}
	var sum int64
	for _, block := range offsets.Blocks[s.name] {
		sum += max(block.Offset, 0)
	}
	fmt.Println("committed", sum)
	if err := admin.CreatePartitions(s.name, 6, nil, false); err != nil {
		return fmt.Errorf("grow: %w", err)
	}
	if err := wait("6 partitions", func() bool { return partitions(admin, s.name) == 6 }); err != nil {
		return err
	}
	fmt.Println("grown 6")
	if err := s.denials(producer); err != nil {
		return err
	}
	if err := admin.DeleteConsumerGroup(s.name); err != nil {
		return fmt.Errorf("delete group: %w", err)
	}
	if err := admin.DeleteTopic(s.name); err != nil {
		return fmt.Errorf("delete topic: %w", err)
	}
	err = wait("topic gone", func() bool {
		topics, err := admin.ListTopics()
		_, there := topics[s.name]
		return err == nil && !there
	})
	if err == nil {
		fmt.Println("deleted")
	}
	return err
}

func partitions(admin sarama.ClusterAdmin, name string) int {
	topics, err := admin.DescribeTopics([]string{name})
	if err != nil || len(topics) != 1 {
		return -1
	}
	return len(topics[0].Partitions)
}

func (s *scenario) create(admin sarama.ClusterAdmin) error {
	if err := admin.CreateTopic(s.name, &sarama.TopicDetail{NumPartitions: 4, ReplicationFactor: 1}, false); err != nil {
		return err
	}
	fmt.Println("created", partitions(admin, s.name))
	hour := "3600000"
	err := admin.IncrementalAlterConfig(sarama.TopicResource, s.name, map[string]sarama.IncrementalAlterConfigsEntry{
		"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &hour}}, false)
	if err != nil {
		return err
	}
	entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: s.name, ConfigNames: []string{"retention.ms"}})
	if err != nil {
		return err
	}
	for _, e := range entries {
		fmt.Println("retention", e.Value)
	}
	return nil
}

func (s *scenario) consume(producer sarama.SyncProducer) error {
	produce := func(first int) error {
		var messages []*sarama.ProducerMessage
		for i := first; i < first+300; i++ {
			messages = append(messages, &sarama.ProducerMessage{Topic: s.name, Key: sarama.StringEncoder(fmt.Sprint(i)), Value: sarama.StringEncoder(fmt.Sprintf("record %d", i))})
		}
		return producer.SendMessages(messages)
	}
	seen := map[string]bool{}
	have := func(n int) func() bool {
		return func() bool {
			seenMu.Lock()
			defer seenMu.Unlock()
			return len(seen) == n
		}
	}
	if err := produce(0); err != nil {
		return err
	}
	first, err := s.join(seen)
	if err != nil {
		return err
	}
	if err := wait("300 records", have(300)); err != nil {
		return err
	}
	fmt.Println("alone", first.holds())
	second, err := s.join(seen)
	if err != nil {
		return err
	}
	if err := wait("shared assignment", func() bool {
		return first.holds() > 0 && second.holds() > 0 && first.holds()+second.holds() == 4
	}); err != nil {
		return err
	}
	fmt.Println("shared", first.holds()+second.holds())
	if err := produce(300); err != nil {
		return err
	}
	if err := wait("600 records", have(600)); err != nil {
		return err
	}
	second.stop()
	if err := <-second.done; err != nil {
		return err
	}
	if err := wait("assignment alone", func() bool { return first.holds() == 4 }); err != nil {
		return err
	}
	fmt.Println("alone", first.holds())
	if err := produce(600); err != nil {
		return err
	}
	if err := wait("900 records", have(900)); err != nil {
		return err
	}
	fmt.Println("consumed", len(seen))
	first.stop()
	return <-first.done
}

func (s *scenario) denials(producer sarama.SyncProducer) error {
	_, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: "foreign", Value: sarama.StringEncoder("x")})
	fmt.Println("denied topic", word(errors.Is(err, sarama.ErrTopicAuthorizationFailed)))
	config, err := s.config(s.tenant)
	if err != nil {
		return err
	}
	group, err := sarama.NewConsumerGroup(s.bootstrap, "foreign", config)
	if err != nil {
		return err
	}
	err = group.Consume(context.Background(), []string{s.name}, &member{})
	fmt.Println("denied group", word(errors.Is(err, sarama.ErrGroupAuthorizationFailed)))
	if err := group.Close(); err != nil {
		return err
	}
	meek, err := sarama.NewClusterAdmin(s.bootstrap, config)
	if err != nil {
		return err
	}
	defer meek.Close()
	err = meek.CreateTopic("foreign", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)
	fmt.Println("denied create", word(errors.Is(err, sarama.ErrTopicAuthorizationFailed)))
	return nil
}

// word is a truth value as the other languages' programs print it.
func word(b bool) string {
	if b {
		return "True"
	}
	return "False"
}
