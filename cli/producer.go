package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
)

const oldProducer = "gone with the old producer in Kafka 2.0"

var consoleProducer = &tool{
	name:  "kafka-console-producer",
	about: "This tool helps to read data from standard input and publish it to Kafka. One line is one message.",
	usage: "--bootstrap-server HOST:PORT --topic TOPIC [--command-config FILE] ...",
	run:   runProducer,
	flags: []flag{
		{name: "bootstrap-server", value: needsValue, arg: "HOST:PORT", doc: "Brokers to connect to, separated by commas."},
		{name: "broker-list", value: needsValue, arg: "HOST:PORT", insteadUse: "bootstrap-server", doc: "Used where --bootstrap-server is not given."},
		{name: "topic", value: needsValue, doc: "Where the messages go."},
		{name: "command-config", value: needsValue, arg: "FILE", doc: "Properties of the producer."},
		{name: "producer.config", value: needsValue, arg: "FILE", insteadUse: "command-config"},
		{name: "command-property", value: needsValue, arg: "K=V", many: true, doc: "One property of the producer; goes before the file."},
		{name: "producer-property", value: needsValue, arg: "K=V", many: true, insteadUse: "command-property"},
		{name: "reader-property", value: needsValue, arg: "K=V", many: true, doc: readerHelp},
		{name: "property", value: needsValue, arg: "K=V", many: true, insteadUse: "reader-property"},
		{name: "reader-config", value: needsValue, arg: "FILE", doc: "Reader properties; --reader-property goes before them."},
		{name: "line-reader", value: needsValue, arg: "CLASS", doc: "Only Kafka's LineMessageReader is served."},
		{name: "sync", doc: "Wait for the answer to each message before the next is read."},
		{name: "compression-codec", value: optionalValue, arg: "CODEC", doc: "none, gzip, snappy, lz4 or zstd; gzip without a value."},
		{name: "request-required-acks", value: needsValue, arg: "ACKS", doc: "acks: all (-1), 1 or 0."},
		{name: "batch-size", value: needsValue, arg: "BYTES", check: wholeNumber, doc: "batch.size"},
		{name: "max-partition-memory-bytes", value: needsValue, arg: "BYTES", check: wholeNumber, insteadUse: "batch-size"},
		{name: "max-memory-bytes", value: needsValue, arg: "BYTES", check: longNumber, doc: "buffer.memory"},
		{name: "timeout", value: needsValue, arg: "MS", check: longNumber, def: "1000", doc: "linger.ms: how long a message may wait for others."},
		{name: "request-timeout-ms", value: needsValue, arg: "MS", check: wholeNumber, def: "1500", doc: "request.timeout.ms"},
		{name: "message-send-max-retries", value: needsValue, arg: "N", check: wholeNumber, def: "3", doc: "retries"},
		{name: "retry-backoff-ms", value: needsValue, arg: "MS", check: longNumber, doc: "retry.backoff.ms"},
		{name: "metadata-expiry-ms", value: needsValue, arg: "MS", check: longNumber, doc: "metadata.max.age.ms"},
		{name: "max-block-ms", value: needsValue, arg: "MS", check: longNumber, doc: "max.block.ms"},
		{name: "socket-buffer-size", value: needsValue, arg: "BYTES", check: wholeNumber, doc: "send.buffer.bytes"},
		{name: "queue-size", value: needsValue, idle: oldProducer},
		{name: "queue-enqueuetimeout-ms", value: needsValue, idle: oldProducer},
		{name: "key-serializer", value: needsValue, idle: oldProducer},
		{name: "value-serializer", value: needsValue, idle: oldProducer},
		{name: "old-producer", refused: oldProducer},
	},
}

// The options that are nothing but another name of a producer's setting.
var producerSettings = [][2]string{
	{"request-required-acks", "acks"}, {"batch-size", "batch.size"}, {"max-partition-memory-bytes", "batch.size"},
	{"max-memory-bytes", "buffer.memory"}, {"timeout", "linger.ms"}, {"request-timeout-ms", "request.timeout.ms"},
	{"message-send-max-retries", "retries"}, {"retry-backoff-ms", "retry.backoff.ms"},
	{"metadata-expiry-ms", "metadata.max.age.ms"}, {"max-block-ms", "max.block.ms"}, {"socket-buffer-size", "send.buffer.bytes"},
}

var lineReaders = []string{"kafka.tools.ConsoleProducer$LineMessageReader", "org.apache.kafka.tools.LineMessageReader"}

func runProducer(ctx context.Context, s *session, o *options) error {
	from, err := producerFrom(o)
	if err != nil {
		return err
	}
	if class := o.get("line-reader"); class != "" && !slices.Contains(lineReaders, class) {
		return &usageError{problem: fmt.Sprintf("line reader %s is not served: it is a Java class", class), advice: "leave --line-reader out, and describe the lines by --reader-property parse.key=true and its like"}
	}
	format, err := readerFormat(o)
	if err != nil {
		return err
	}
	values, err := s.readSettings(from)
	if err != nil {
		return err
	}
	settings, err := client.ProducerOptions(values)
	if err != nil {
		return err
	}
	c, err := client.Open(ctx, client.Config{Values: values, Warn: s.warning})
	if err != nil {
		return err
	}
	defer c.Close()
	producer, err := c.Kgo(settings...)
	if err != nil {
		return err
	}
	defer producer.Close()
	run := &produceRun{session: s, client: c, producer: producer, topic: o.get("topic"), format: format, sync: o.has("sync"),
		limit: values.Int("max.request.size"), prompt: terminal(s.In) && terminal(s.Out)}
	defer s.watchLeaders(ctx, c, run.topic)()
	return run.all(ctx)
}

// producerFrom lays the options over the file, as Kafka's tool does: an option
// that is given goes before the file, the tool's default behind it.
func producerFrom(o *options) (settings, error) {
	server, ok := o.first("bootstrap-server", "broker-list")
	if !ok {
		return settings{}, &usageError{problem: "Missing required option(s) [bootstrap-server]", advice: "add --bootstrap-server HOST:PORT"}
	}
	if !o.has("topic") {
		return settings{}, &usageError{problem: `Missing required argument "[topic]"`, advice: "add --topic NAME"}
	}
	if o.get("topic") == "" {
		return settings{}, usage("the name of the topic is empty").advised("name it: --topic NAME")
	}
	if err := exclude(o, "command-config", "producer.config"); err != nil {
		return settings{}, err
	}
	file, _ := o.first("command-config", "producer.config")
	lay, err := pairs("command-property", append(o.all("producer-property"), o.all("command-property")...), false)
	if err != nil {
		return settings{}, err
	}
	for _, named := range producerSettings {
		if o.has(named[0]) {
			lay = append(lay, [2]string{named[1], o.get(named[0])})
		}
	}
	if o.has("compression-codec") {
		codec := o.get("compression-codec")
		if codec == "" {
			codec = "gzip"
		}
		lay = append(lay, [2]string{"compression.type", codec})
	}
	linger := o.get("timeout")
	if o.has("sync") {
		linger = "0" // nothing else is on its way that a message could wait for
	}
	under := [][2]string{{"client.id", "console-producer"}, {"linger.ms", linger},
		{"request.timeout.ms", o.get("request-timeout-ms")}, {"retries", o.get("message-send-max-retries")}}
	return settings{table: config.Producer, file: file, lay: lay, under: under, server: server}, nil
}

// lineParser makes a record of a line.
type lineParser interface {
	record(line []byte, number int) (*kgo.Record, error)
}

// produceRun sends lines until they end.
type produceRun struct {
	*session
	client   *client.Client
	producer *kgo.Client
	topic    string
	format   lineParser
	sync     bool
	limit    int // bytes of a line, from max.request.size
	prompt   bool
	told     func(*kgo.Record) // of each that was delivered, one at a time; nil: nobody is told

	answers sync.WaitGroup // Flush does not wait for what was never sent
	mu      sync.Mutex     // guards what follows
	lost    int64          // messages that were not delivered
	first   error          // why the first of them was not
}

// lostError says that not everything arrived. Kafka's own tool logs each loss
// and exits with 0; a script could not tell, so we exit with 1.
type lostError struct {
	count int64
	err   error
}

func (e *lostError) Error() string {
	if e.count == 1 {
		return fmt.Sprintf("1 message was not delivered: %v", e.err)
	}
	return fmt.Sprintf("%d messages were not delivered, the first: %v", e.count, e.err)
}

func (e *lostError) Unwrap() error { return e.err }

func (r *produceRun) all(ctx context.Context) error {
	err := r.lines(ctx)
	// Lines that were read are sent even when a later one was wrong, or the
	// user has had enough; what cannot be delivered ends by delivery.timeout.ms.
	if flush := r.producer.Flush(context.WithoutCancel(ctx)); flush != nil && err == nil {
		err = flush
	}
	r.answers.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost > 0 {
		lost := &lostError{count: r.lost, err: missingRight(ctx, r.client, r.first)}
		if err == nil || errors.Is(err, errGiveUp) {
			return lost
		}
		r.report(lost)
	}
	return err
}

// errGiveUp ends the reading after a failure that every further line would
// meet too.
var errGiveUp = errors.New("further messages would not be delivered either")

func (r *produceRun) lines(ctx context.Context) error {
	in := newLineReader(r.In, r.limit)
	for number := 1; ; number++ {
		if r.prompt {
			fmt.Fprint(r.Out, ">")
		}
		line, err := in.next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if ctx.Err() != nil {
			return interruption(ctx)
		}
		var long *longLineError
		if errors.As(err, &long) {
			r.failed(fmt.Errorf("line %d: %w", number, err))
			continue
		}
		if err != nil {
			return fmt.Errorf("read line %d of standard input: %w", number, err)
		}
		record, err := r.format.record(line, number)
		if err != nil {
			return err
		}
		record.Topic = r.topic
		if err := r.send(ctx, record); err != nil {
			return err
		}
	}
}

func (r *produceRun) send(ctx context.Context, record *kgo.Record) error {
	if r.sync {
		r.answered(record, r.producer.ProduceSync(ctx, record).FirstErr())
	} else {
		r.answers.Add(1)
		r.producer.Produce(ctx, record, func(record *kgo.Record, err error) {
			defer r.answers.Done()
			r.answered(record, err)
		})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var denied *client.DeniedError
	if errors.As(r.first, &denied) {
		return errGiveUp
	}
	return nil
}

func (r *produceRun) answered(record *kgo.Record, err error) {
	if err != nil {
		r.failed(err)
	} else if r.told != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told(record)
	}
}

func (r *produceRun) failed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost++; r.first == nil {
		r.first = client.Denied(err, kafka.Write, kafka.Topic, r.topic)
	}
}

const readerHelp = "How a line is read: parse.key=false, parse.headers=false, key.separator=TAB, headers.delimiter=TAB, " +
	"headers.separator=comma, headers.key.separator=colon, ignore.error=false, null.marker (none). Order: headers, key, value."

// unknownKey refuses a reader or formatter property that does not exist.
func unknownKey(kind, key string, known []string) error {
	e := &usageError{problem: fmt.Sprintf("unknown %s property %s", kind, key), advice: "the properties are " + strings.Join(known, ", ")}
	if near, ok := config.Nearest(key, known); ok {
		e.advice = "did you mean " + near + "?"
	}
	return e
}
