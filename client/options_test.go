package client

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/kafka/config"
)

// value asks kgo what an option became.
func value(t *testing.T, opts []kgo.Opt, of any) any {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers("127.0.0.1:1"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	return cl.OptValue(of)
}

func TestProducerOptions(t *testing.T) {
	for _, test := range []struct {
		name, text string
		of         any
		want       any
	}{
		{"idempotent by default", "", kgo.DisableIdempotentWrite, false},
		{"all by default", "", kgo.RequiredAcks, kgo.AllISRAcks()},
		{"acks=1 is not idempotent", "acks=1\n", kgo.DisableIdempotentWrite, true},
		{"acks=0", "acks=0\n", kgo.RequiredAcks, kgo.NoAck()},
		{"idempotence off", "enable.idempotence=false\n", kgo.DisableIdempotentWrite, true},
		{"size", "max.request.size=2000000\n", kgo.ProducerBatchMaxBytes, int32(2000000)},
		{"memory", "buffer.memory=1000000\n", kgo.MaxBufferedBytes, int64(1000000)},
		{"retries", "retries=3\n", kgo.RecordRetries, int64(3)},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts, err := ProducerOptions(read(t, config.Producer, test.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := value(t, opts, test.of); got != test.want {
				t.Errorf("got %#v, want %#v", got, test.want)
			}
		})
	}
}

func TestConsumerOptions(t *testing.T) {
	for _, test := range []struct {
		name, text string
		of         any
		want       any
	}{
		{"no group", "", kgo.ConsumerGroup, ""},
		{"a group", "group.id=g\n", kgo.ConsumerGroup, "g"},
		{"commits by itself", "group.id=g\n", kgo.DisableAutoCommit, false},
		{"unless told not to", "group.id=g\nenable.auto.commit=false\n", kgo.DisableAutoCommit, true},
		{"earliest", "auto.offset.reset=earliest\n", kgo.ConsumeResetOffset, kgo.NewOffset().AtStart()},
		{"latest by default", "", kgo.ConsumeResetOffset, kgo.NewOffset().AtEnd()},
		{"read uncommitted by default", "", kgo.FetchIsolationLevel, int8(0)},
		{"read committed", "isolation.level=read_committed\n", kgo.FetchIsolationLevel, int8(1)},
		{"bytes", "fetch.max.bytes=1000\nmax.partition.fetch.bytes=500\n", kgo.FetchMaxPartitionBytes, int32(500)},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts, err := ConsumerOptions(read(t, config.Consumer, test.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := value(t, opts, test.of); got != test.want {
				t.Errorf("got %#v, want %#v", got, test.want)
			}
		})
	}
}

func TestOptionsRefuse(t *testing.T) {
	for _, test := range []struct {
		table *config.Table
		text  string
		key   string
	}{
		{config.Producer, "acks=1\nenable.idempotence=true\n", "acks"},
		{config.Producer, "enable.idempotence=true\nmax.in.flight.requests.per.connection=6\n", "max.in.flight.requests.per.connection"},
		{config.Consumer, "group.id=g\npartition.assignment.strategy=com.example.Own\n", "partition.assignment.strategy"},
	} {
		v := read(t, test.table, test.text)
		var err error
		if test.table == config.Producer {
			_, err = ProducerOptions(v)
		} else {
			_, err = ConsumerOptions(v)
		}
		var se *SettingError
		if !errors.As(err, &se) || se.Key != test.key {
			t.Errorf("%q: got %v, want a SettingError for %s", test.text, err, test.key)
		}
	}
}
