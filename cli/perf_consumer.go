package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka/config"
)

const oldPerf = "gone with the old consumer in Kafka 2.0"

var consumerPerf = &tool{
	name:  "kafka-consumer-perf-test",
	about: "This tool is used to verify the consumer performance.",
	usage: "--bootstrap-server HOST:PORT --topic TOPIC --num-records N ...",
	run:   runConsumerPerf,
	flags: []flag{
		{name: "bootstrap-server", value: needsValue, arg: "HOST:PORT", doc: "Brokers to connect to, separated by commas."},
		{name: "broker-list", value: needsValue, arg: "HOST:PORT", insteadUse: "bootstrap-server", doc: "Used where --bootstrap-server is not given."},
		{name: "topic", value: needsValue, doc: "The topic to read."},
		{name: "include", value: needsValue, arg: "REGEX", doc: "The topics to read, as a Java regular expression."},
		{name: "num-records", value: needsValue, arg: "N", check: longNumber, doc: "End after about so many records."},
		{name: "messages", value: needsValue, arg: "N", check: longNumber, insteadUse: "num-records"},
		{name: "group", value: needsValue, doc: "The consumer group; perf-consumer-RANDOM unless given."},
		{name: "command-config", value: needsValue, arg: "FILE", doc: "Properties of the consumer."},
		{name: "consumer.config", value: needsValue, arg: "FILE", insteadUse: "command-config"},
		{name: "command-property", value: needsValue, arg: "K=V", many: true, doc: "One property of the consumer; goes before the file."},
		{name: "fetch-size", value: needsValue, arg: "BYTES", check: atLeastOne, def: "1048576", doc: "max.partition.fetch.bytes"},
		{name: "socket-buffer-size", value: needsValue, arg: "BYTES", check: wholeNumber, def: "2097152", idle: "the system sizes the buffers of sockets"},
		{name: "from-latest", doc: "Begin at the end where the group has no offset, rather than at the beginning."},
		{name: "timeout", value: optionalValue, arg: "MS", check: longNumber, def: "10000", doc: "End when no record comes for so long."},
		{name: "show-detailed-stats", doc: "A line for each reporting interval instead of one at the end."},
		{name: "reporting-interval", value: needsValue, arg: "MS", check: longNumber, def: "5000", doc: "How often to report."},
		{name: "date-format", value: needsValue, arg: "PATTERN", def: "yyyy-MM-dd HH:mm:ss:SSS", doc: "How times are printed, as Java's SimpleDateFormat writes them."},
		{name: "hide-header", doc: "Leave out the names of the columns."},
		{name: "print-metrics", doc: "Print at the end what was counted of batches, requests and bytes."},
		{name: "threads", value: needsValue, arg: "N", idle: "one consumer reads since Kafka 2.0"},
		{name: "num-fetch-threads", value: needsValue, arg: "N", idle: "one consumer reads since Kafka 2.0"},
		{name: "new-consumer", idle: "there is no other since Kafka 2.0"},
		{name: "zookeeper", value: needsValue, refused: oldPerf, insteadUse: "--bootstrap-server HOST:PORT"},
	},
}

// What one poll takes at most: max.poll.records of Java's consumer, which
// bounds by how much a run may read more than was asked for.
const perfPollRecords = 500

func checkConsumerPerf(o *options) error {
	if countGiven(o, "bootstrap-server", "broker-list") == 0 {
		return usage(`Missing required argument "[bootstrap-server]"`).advised("add --bootstrap-server HOST:PORT")
	}
	if countGiven(o, "messages", "num-records") != 1 {
		return usage("Exactly one of the following arguments is required: [messages], [num-records]").advised("add --num-records 100000")
	}
	if countGiven(o, "topic", "include") != 1 {
		return usage("Exactly one of the following arguments is required: [topic], [include]").advised("add --topic NAME")
	}
	if o.integer("reporting-interval") <= 0 {
		return usage("Reporting interval must be greater than 0.").advised("write it as --reporting-interval 5000")
	}
	return exclude(o, "command-config", "consumer.config")
}

func runConsumerPerf(ctx context.Context, s *session, o *options) error {
	if err := checkConsumerPerf(o); err != nil {
		return err
	}
	dates, err := parseDateFormat(o.get("date-format"))
	if err != nil {
		return err
	}
	lay, err := pairs("command-property", o.all("command-property"), false)
	if err != nil {
		return err
	}
	group, reset := o.get("group"), "earliest"
	if group == "" {
		group = "perf-consumer-" + strconv.Itoa(rand.IntN(100000))
	}
	if o.has("from-latest") {
		reset = "latest"
	}
	from := settings{table: config.Consumer, under: [][2]string{{"client.id", "perf-consumer-client"}},
		lay: append(lay, [2]string{"group.id", group}, [2]string{"auto.offset.reset", reset}, [2]string{"max.partition.fetch.bytes", o.get("fetch-size")})}
	from.file, _ = o.first("command-config", "consumer.config")
	from.server, _ = o.first("bootstrap-server", "broker-list")
	values, err := s.readSettings(from)
	if err != nil {
		return err
	}
	opts, err := consumerReading(o, values, false)
	if err != nil {
		return err
	}
	c, err := client.Open(ctx, client.Config{Values: values, Warn: s.warning})
	if err != nil {
		return err
	}
	defer c.Close()
	run := &perfConsume{consumeRun: consumeRun{session: s, topic: o.get("topic"), group: group, most: -1}, dates: dates, detailed: o.has("show-detailed-stats"),
		timeout: time.Duration(o.integer("timeout")) * time.Millisecond, report: time.Duration(o.integer("reporting-interval")) * time.Millisecond, assigned: make(map[string]bool)}
	wanted, _ := o.first("num-records", "messages")
	if run.wanted, err = strconv.ParseInt(wanted, 10, 64); err != nil {
		return err
	}
	counts := newPerfCounts(values.String("client.id"))
	consumer, err := c.Kgo(append(opts, kgo.WithHooks(counts), kgo.OnPartitionsAssigned(run.joined), kgo.OnPartitionsRevoked(run.left), kgo.OnPartitionsLost(run.left))...)
	if err != nil {
		return err
	}
	defer consumer.Close()
	run.consumer = consumer
	if !o.has("hide-header") {
		if err := run.header(); err != nil {
			return err
		}
	}
	err = run.all(ctx)
	if o.has("print-metrics") && err == nil {
		err = counts.print(s.Out, "consumer")
	}
	return missingRight(ctx, c, err)
}

// perfConsume reads records and measures how fast they come.
type perfConsume struct {
	consumeRun      // for its way to see and tell problems, and to leave
	dates           dateFormat
	detailed        bool
	wanted          int64
	timeout, report time.Duration

	records, bytes int64

	mu        sync.Mutex // guards what follows
	assigned  map[string]bool
	joinBegun time.Time
	joining   time.Duration // in all
	round     time.Duration // since the last report
}

func (r *perfConsume) header() error {
	first := "start.time, end.time"
	if r.detailed {
		first = "time, threadId"
	}
	_, err := fmt.Fprintln(r.Out, first+", data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec")
	return err
}

// joined and left measure how long we are without partitions.
func (r *perfConsume) joined(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.assigned) == 0 {
		took := time.Since(r.joinBegun)
		r.joining += took
		r.round += took
	}
	for topic, list := range partitions {
		for _, p := range list {
			r.assigned[fmt.Sprint(topic, " ", p)] = true
		}
	}
}

func (r *perfConsume) left(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for topic, list := range partitions {
		for _, p := range list {
			delete(r.assigned, fmt.Sprint(topic, " ", p))
		}
	}
	if len(r.assigned) == 0 {
		r.joinBegun = time.Now()
	}
}

func (r *perfConsume) all(ctx context.Context) error {
	begun := time.Now()
	r.mu.Lock()
	r.joinBegun = begun
	r.mu.Unlock()
	err := r.read(ctx, begun)
	ended := time.Now()
	if err == nil && r.records < r.wanted {
		_, err = fmt.Fprintf(r.Out, "WARNING: Exiting before consuming the expected number of records: timeout (%d ms) exceeded. You can use the --timeout option to increase the timeout.\n", r.timeout.Milliseconds())
	}
	r.mu.Lock()
	joining := r.joining
	r.mu.Unlock()
	r.consumeRun.leave(context.WithoutCancel(ctx))
	if !r.detailed {
		elapsed, fetching := ended.Sub(begun), ended.Sub(begun)-joining
		_, failed := fmt.Fprintf(r.Out, "%s, %s, %.4f, %.4f, %d, %.4f, %d, %d, %.4f, %.4f\n", r.dates.format(begun), r.dates.format(ended),
			float64(r.bytes)/(1<<20), megabytes(r.bytes, elapsed), r.records, perSecond(r.records, elapsed),
			joining.Milliseconds(), fetching.Milliseconds(), megabytes(r.bytes, fetching), perSecond(r.records, fetching))
		err = errors.Join(err, failed)
	}
	return err
}

// read polls until there are enough records, or none came for too long.
func (r *perfConsume) read(ctx context.Context, begun time.Time) error {
	lastRecord, lastReport := begun, begun
	var records, bytes int64 // at the last report
	for r.records < r.wanted {
		now := time.Now()
		if now.Sub(lastRecord) > r.timeout {
			return nil
		}
		waiting, cancel := context.WithDeadline(ctx, lastRecord.Add(r.timeout+time.Millisecond))
		fetches := r.consumer.PollRecords(waiting, perfPollRecords)
		cancel()
		if ctx.Err() != nil {
			return interruption(ctx)
		}
		if err := r.problem(fetches); err != nil {
			return err
		}
		if now = time.Now(); !fetches.Empty() {
			lastRecord = now
		}
		for iter := fetches.RecordIter(); !iter.Done(); {
			record := iter.Next()
			r.records++
			r.bytes += int64(len(record.Key) + len(record.Value))
			r.consumer.MarkCommitRecords(record)
		}
		if now.Sub(lastReport) >= r.report && !fetches.Empty() {
			if err := r.progress(now, now.Sub(lastReport), r.records-records, r.bytes-bytes); err != nil {
				return err
			}
			lastReport, records, bytes = now, r.records, r.bytes
		}
	}
	return nil
}

func (r *perfConsume) progress(now time.Time, elapsed time.Duration, records, bytes int64) error {
	r.mu.Lock()
	joining := r.round
	r.round = 0
	r.mu.Unlock()
	if !r.detailed {
		return nil
	}
	fetching := elapsed - joining
	_, err := fmt.Fprintf(r.Out, "%s, 0, %.4f, %.4f, %d, %.4f, %d, %d, %.4f, %.4f\n", r.dates.format(now), float64(r.bytes)/(1<<20),
		megabytes(bytes, elapsed), r.records, perSecond(records, elapsed), joining.Milliseconds(), fetching.Milliseconds(),
		megabytes(bytes, fetching), perSecond(records, fetching))
	return err
}
