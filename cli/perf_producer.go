package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
)

var producerPerf = &tool{
	name:  "kafka-producer-perf-test",
	about: "This tool is used to verify the producer performance.",
	usage: "--bootstrap-server HOST:PORT --topic TOPIC --num-records N --throughput N --record-size BYTES|--payload-file FILE|--payload-monotonic ...",
	run:   runProducerPerf,
	flags: []flag{
		{name: "bootstrap-server", value: needsValue, arg: "HOST:PORT", doc: "Brokers to connect to; goes before bootstrap.servers of the properties."},
		{name: "topic", value: needsValue, doc: "Where the records go."},
		{name: "num-records", value: needsValue, arg: "N", check: longNumber, doc: "How many records to send."},
		{name: "throughput", value: needsValue, arg: "N", check: number, doc: "About how many records a second; -1: as fast as can be."},
		{name: "record-size", value: needsValue, arg: "BYTES", check: wholeNumber, doc: "Random records of this size."},
		{name: "payload-file", value: needsValue, arg: "FILE", doc: "Records taken at random from this text."},
		{name: "payload-delimiter", value: needsValue, arg: "REGEX", def: `\n`, doc: "What stands between the records of --payload-file."},
		{name: "payload-monotonic", doc: "Records that count from 0."},
		{name: "command-config", value: needsValue, arg: "FILE", doc: "Properties of the producer."},
		{name: "producer.config", value: needsValue, arg: "FILE", insteadUse: "command-config"},
		{name: "command-property", value: someValues, arg: "K=V", many: true, doc: "Properties of the producer, several after one option; they go before the file."},
		{name: "producer-props", value: someValues, arg: "K=V", many: true, insteadUse: "command-property"},
		{name: "print-metrics", doc: "Print at the end what was counted of batches, requests and bytes."},
		{name: "transactional-id", value: needsValue, arg: "ID", doc: "Send in transactions under this id."},
		{name: "transaction-duration-ms", value: needsValue, arg: "MS", check: longNumber, doc: "Send in transactions, a commit each time so long has gone by. (default where there is an id: 3000)"},
		{name: "warmup-records", value: needsValue, arg: "N", check: longNumber, def: "0", doc: "The first so many records stay out of a summary of their own."},
		{name: "reporting-interval", value: needsValue, arg: "MS", check: atLeastOne, def: "5000", doc: "How often to report."},
	},
}

// The defaults of transactions, Kafka's.
const (
	perfTransactionPrefix   = "performance-producer-"
	perfTransactionDuration = 3 * time.Second
)

// perfPlan is what the options of a run ask for.
type perfPlan struct {
	topic            string
	records, warmup  int64
	throughput       float64 // records a second, negative: unlimited
	report           time.Duration
	payload          payload
	transactional    string // "": no transactions
	commitEvery      time.Duration
	transactionLimit time.Duration // transaction.timeout.ms; 0: kgo's
}

func (p *perfPlan) options(v *config.Values) ([]kgo.Opt, error) {
	if p.transactional == "" {
		return client.ProducerOptions(v)
	}
	return client.TransactionalOptions(v, p.transactional, p.transactionLimit)
}

func runProducerPerf(ctx context.Context, s *session, o *options) error {
	plan, from, err := producerPerfPlan(s, o)
	if err != nil {
		return err
	}
	values, err := s.readSettings(from)
	if err != nil {
		return err
	}
	opts, err := plan.options(values)
	if err != nil {
		return err
	}
	c, err := client.Open(ctx, client.Config{Values: values, Warn: s.warning})
	if err != nil {
		return err
	}
	defer c.Close()
	counts := newPerfCounts(values.String("client.id"))
	waiting := int(min(max(values.Int64("buffer.memory"), 1)/max(plan.payload.largest(), 1)+1, 1<<20))
	opts = append(opts, kgo.MaxBufferedRecords(waiting+1), kgo.WithHooks(counts))
	producer, err := c.Kgo(opts...)
	if err != nil {
		return err
	}
	defer producer.Close()
	run := &perfProduce{session: s, perfPlan: plan, producer: producer, room: make(chan struct{}, waiting), all: newPerfStats(s.Out, plan, plan.records)}
	err = run.send(ctx)
	if failed := run.print(); err == nil {
		err = failed
	}
	if o.has("print-metrics") && err == nil {
		err = counts.print(s.Out, "producer")
	}
	return missingRight(ctx, c, err)
}

// producerPerfPlan checks the options. Transactions are this tool's alone, so
// their two settings are taken out of the properties here.
func producerPerfPlan(s *session, o *options) (perfPlan, settings, error) {
	plan := perfPlan{topic: o.get("topic"), records: o.integer("num-records"), warmup: max(o.integer("warmup-records"), 0),
		report: time.Duration(o.integer("reporting-interval")) * time.Millisecond, transactional: o.get("transactional-id")}
	var from settings
	if err := checkProducerPerf(o); err != nil {
		return plan, from, err
	}
	if _, err := fmt.Sscan(o.get("throughput"), &plan.throughput); err != nil {
		return plan, from, err
	}
	var err error
	if plan.payload, err = readPayload(s, o); err != nil {
		return plan, from, err
	}
	lay, err := pairs("command-property", append(o.all("producer-props"), o.all("command-property")...), false)
	if err != nil {
		return plan, from, err
	}
	from = settings{table: config.Producer, lay: lay, server: o.get("bootstrap-server"), under: [][2]string{{"client.id", "perf-producer-client"}}}
	from.file, _ = o.first("command-config", "producer.config")
	p, err := from.properties()
	if err != nil {
		return plan, from, err
	}
	if id, _ := p.Get("transactional.id"); plan.transactional == "" {
		plan.transactional = id
	}
	if text, ok := p.Get("transaction.timeout.ms"); ok {
		millis, err := time.ParseDuration(strings.TrimSpace(text) + "ms")
		if err != nil {
			return plan, from, &client.SettingError{Key: "transaction.timeout.ms", Value: text, Problem: "want a whole number"}
		}
		plan.transactionLimit = millis
	}
	from.without = []string{"transactional.id", "transaction.timeout.ms"}
	if o.has("transaction-duration-ms") && plan.transactional == "" {
		plan.transactional = perfTransactionPrefix + rand.Text()
	}
	if plan.commitEvery = perfTransactionDuration; o.has("transaction-duration-ms") {
		plan.commitEvery = time.Duration(o.integer("transaction-duration-ms")) * time.Millisecond
	}
	return plan, from, nil
}

func checkProducerPerf(o *options) error {
	for _, name := range []string{"topic", "num-records", "throughput"} {
		if !o.has(name) {
			return usage("argument --%s is required", name).advised("add --" + name + ", such as --topic NAME --num-records 100000 --throughput -1")
		}
	}
	switch countGiven(o, "record-size", "payload-file", "payload-monotonic") {
	case 0:
		return usage("one of the arguments --record-size --payload-file --payload-monotonic is required").advised("add --record-size 100")
	case 1:
	default:
		return usage("argument --record-size, --payload-file and --payload-monotonic: not allowed with one another").advised("choose one of them")
	}
	if err := exclude(o, "command-config", "producer.config"); err != nil {
		return err
	}
	if err := exclude(o, "command-property", "producer-props"); err != nil {
		return err
	}
	switch {
	case countGiven(o, "bootstrap-server", "command-config", "command-property", "producer.config", "producer-props") == 0:
		return usage("At least one of --bootstrap-server, --command-property, --producer-props, --producer.config or --command-config must be specified.").advised("add --bootstrap-server HOST:PORT")
	case o.integer("num-records") <= 0:
		return usage("--num-records should be greater than zero").advised("write it as --num-records 100000")
	case o.integer("warmup-records") >= o.integer("num-records"):
		return usage("The value for --warmup-records must be strictly fewer than the number of records in the test, --num-records.").advised("write a smaller number of --warmup-records")
	case o.has("record-size") && o.integer("record-size") <= 0:
		return usage("--record-size should be greater than zero").advised("write it as --record-size 100")
	case o.has("transaction-duration-ms") && o.integer("transaction-duration-ms") <= 0:
		return usage("--transaction-duration-ms should be greater than zero").advised("write it as --transaction-duration-ms 3000")
	case o.get("throughput") == "0":
		return usage("--throughput 0 would never send a record").advised("write --throughput -1 for no limit")
	}
	return nil
}

// perfProduce sends records and measures how long each answer took.
type perfProduce struct {
	*session
	perfPlan
	producer *kgo.Client
	room     chan struct{} // a place for each record that may wait

	answers sync.WaitGroup
	mu      sync.Mutex // guards what follows
	all     *perfStats
	steady  *perfStats // nil before the warm-up is over
	lost    int64
	first   error // why the first was lost
}

// send returns when all is answered, or after a failure or a signal when what
// was sent by then is.
func (r *perfProduce) send(ctx context.Context) error {
	if r.warmup > 0 {
		if _, err := fmt.Fprintf(r.Out, "Warmup first %d records. Steady state results will print after the complete test summary.\n", r.warmup); err != nil {
			return err
		}
	}
	err := r.produceAll(ctx)
	ending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if ctx.Err() != nil { // enough time for what is on its way, no more
		ending, cancel = context.WithTimeout(ending, leaveTimeout)
		defer cancel()
	}
	if flush := r.finish(ending, err); err == nil {
		err = flush
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return interruption(ctx)
	case r.lost > 0:
		return &lostError{count: r.lost, err: r.first}
	}
	return err
}

// finish waits for the answers; a transaction that is open is committed, or
// aborted where something went wrong.
func (r *perfProduce) finish(ctx context.Context, failed error) error {
	if err := r.producer.Flush(ctx); err != nil {
		return err
	}
	r.answers.Wait()
	if r.transactional == "" {
		return nil
	}
	how := kgo.TryCommit
	if failed != nil {
		how = kgo.TryAbort
	}
	return r.deniedID(r.producer.EndTransaction(ctx, how))
}

func (r *perfProduce) deniedID(err error) error {
	return client.Denied(err, kafka.Write, kafka.TransactionalID, r.transactional)
}

func (r *perfProduce) produceAll(ctx context.Context) error {
	begun, transaction := time.Now(), time.Time{}
	for i := range r.records {
		if r.transactional != "" && transaction.IsZero() {
			if err := r.producer.BeginTransaction(); err != nil {
				return r.deniedID(err)
			}
			transaction = time.Now()
		}
		if i == r.warmup && r.warmup > 0 {
			r.steadyBegins()
		}
		if err := r.produce(ctx, i); err != nil {
			return err
		}
		if r.transactional != "" && time.Since(transaction) >= r.commitEvery {
			if err := r.finish(ctx, nil); err != nil {
				return err
			}
			transaction = time.Time{}
		}
		if err := r.throttle(ctx, begun, i+1); err != nil {
			return err
		}
	}
	return nil
}

func (r *perfProduce) produce(ctx context.Context, i int64) error {
	select {
	case r.room <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	record := &kgo.Record{Topic: r.topic, Value: r.payload.next(i)}
	begun, steady := time.Now(), r.steadyStats()
	r.answers.Add(1)
	// What was sent is answered also after a signal, or the figures would lie.
	r.producer.Produce(context.WithoutCancel(ctx), record, func(_ *kgo.Record, err error) {
		defer r.answers.Done()
		<-r.room
		r.answered(begun, len(record.Value), steady, err)
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first != nil {
		return errGiveUp
	}
	return nil
}

func (r *perfProduce) steadyStats() *perfStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.steady
}

func (r *perfProduce) steadyBegins() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steady = newPerfStats(r.Out, r.perfPlan, r.records-r.warmup)
	r.steady.steady = true
	r.all.silent = true
}

// answered counts a record; one of the warm-up has no steady stats.
func (r *perfProduce) answered(begun time.Time, size int, steady *perfStats, err error) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		if r.lost++; r.first == nil {
			r.first = client.Denied(err, kafka.Write, kafka.Topic, r.topic)
		}
		return
	}
	r.all.record(now, now.Sub(begun), size)
	if steady != nil {
		steady.record(now, now.Sub(begun), size)
	}
}

// throttle waits until so many records are due.
func (r *perfProduce) throttle(ctx context.Context, begun time.Time, sent int64) error {
	if r.throughput < 0 {
		return ctx.Err()
	}
	due := begun.Add(time.Duration(float64(sent) / r.throughput * float64(time.Second)))
	wait := time.Until(due)
	if wait < time.Millisecond { // timers are no finer: the next records make up for it
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (r *perfProduce) print() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.all.printTotal()
	if r.steady != nil {
		err = errors.Join(err, r.steady.printTotal())
	}
	return err
}
