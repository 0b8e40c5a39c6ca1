package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
)

func produceCommand(s *session) *cobra.Command {
	var f clusterFlags
	var p producing
	c := &cobra.Command{
		Use: "produce TOPIC", Short: "Send the lines of standard input as records", Args: oneWord("a topic", nil),
		Long: "Sends each line of standard input as a record, and ends when all have been\nacknowledged. With -o json or plain: where each went.\n\n" + formatHelp,
		Example: `  echo hello | schloss produce greetings
  schloss produce orders -f '%k\t%v' <orders.tsv
  schloss consume orders -e -f json | schloss produce copy -f json`,
	}
	f.register(c.Flags())
	p.change.register(c, false)
	c.RunE = func(c *cobra.Command, args []string) error {
		r, err := f.resolve(s, c)
		if err != nil {
			return err
		}
		if err := r.writable(&p.change); err != nil {
			return err
		}
		p.told = c.Flags().Changed("output") || r.form == jsonForm
		return p.run(c.Context(), r, args[0])
	}
	flags := c.Flags()
	flags.Lookup("timeout").Usage = "connecting, and each delivery, may take this `TIME`"
	flags.StringVarP(&p.format, "format", "f", "%v", "how a line is read: a `FORMAT`, or json")
	flags.StringVarP(&p.key, "key", "k", "", "the `KEY` of records whose line has none")
	flags.StringArrayVarP(&p.headers, "header", "H", nil, "a header `KEY=VALUE` of every record")
	flags.Int32VarP(&p.partition, "partition", "p", -1, "send all to the partition `N`; by key unless given")
	flags.StringVar(&p.acks, "acks", "", "who must have a record, as a `WORD`: all, 1 or 0")
	flags.StringVarP(&p.codec, "compression", "z", "", "the `CODEC`: none, gzip, snappy, lz4 or zstd")
	flags.BoolVar(&p.create, "auto-create", false, "let the cluster make the topic, if it does so")
	c.ValidArgsFunction = oneOnly(f.completing(s, topicNames))
	completed(c, "acks", cobra.FixedCompletions([]string{"all", "1", "0"}, cobra.ShellCompDirectiveNoFileComp))
	completed(c, "compression", cobra.FixedCompletions([]string{"none", "gzip", "snappy", "lz4", "zstd"}, cobra.ShellCompDirectiveNoFileComp))
	completed(c, "format", cobra.FixedCompletions([]string{"json"}, cobra.ShellCompDirectiveNoFileComp))
	f.offering(s, c)
	return c
}

// oneOnly offers nothing behind the first word.
func oneOnly(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(c, args, begun)
	}
}

// producing is what the flags of produce say.
type producing struct {
	change      changeFlags
	format, key string
	acks, codec string
	headers     []string
	partition   int32
	create      bool
	told        bool // where each record went
	fixed       []kgo.RecordHeader
	reader      lineParser
	sent        int64
}

func (p *producing) run(ctx context.Context, r *clusterRun, topic string) (err error) {
	if p.partition < -1 {
		return &usageError{problem: fmt.Sprintf("--partition %d is none", p.partition), advice: "partitions are counted from 0: --partition 0"}
	}
	if p.reader, err = newFormatReader(p.format); err != nil {
		return err
	}
	if p.fixed, err = typedHeaders(append([]string{}, p.headers...)); err != nil {
		return &usageError{problem: "--header: " + err.Error(), advice: "write it as -H trace=42"}
	}
	values, err := r.readSettings(p.settings(r))
	if err != nil {
		return err
	}
	options, err := client.ProducerOptions(values)
	if err != nil {
		return err
	}
	if err := r.within(ctx, func(ctx context.Context) error { return p.connect(ctx, r, values, topic) }); err != nil {
		return err
	}
	defer r.client.Close()
	if p.change.dryRun {
		return p.count(ctx, r, values.Int("max.request.size"))
	}
	return p.send(ctx, r, topic, values.Int("max.request.size"), options)
}

// settings lays the flags over the file.
func (p *producing) settings(r *clusterRun) settings {
	from := r.settings(config.Producer)
	for _, kv := range [][2]string{{"acks", p.acks}, {"compression.type", p.codec}} {
		if kv[1] != "" {
			from.lay = append(from.lay, kv)
		}
	}
	limit := strconv.FormatInt(max(r.flags.timeout, time.Second).Milliseconds(), 10)
	from.under = [][2]string{{"client.id", "schloss"}, {"linger.ms", "5"}, {"request.timeout.ms", limit}, {"delivery.timeout.ms", limit}}
	return from
}

// connect finds out before the first line whether the topic is there, so that
// no slip makes one.
func (p *producing) connect(ctx context.Context, r *clusterRun, values *config.Values, topic string) error {
	if err := r.openWith(ctx, values); err != nil {
		return err
	}
	found, err := r.topicsNamed(ctx, []string{topic})
	switch {
	case err != nil || len(found) != 1:
		return err
	case isOf[*absentError](found[0].Err) && !p.create, answered(found[0].Err, kafka.ErrInvalidTopicException):
		return found[0].Err
	case found[0].Err != nil:
		return nil // sending tells which right is missing
	}
	if n := int32(len(found[0].Partitions)); p.partition >= n {
		return &usageError{problem: fmt.Sprintf("topic %s has no partition %d", topic, p.partition), advice: fmt.Sprintf("its partitions are 0 to %d", n-1)}
	}
	return nil
}

// record completes what a line holds.
func (p *producing) record(line []byte, number int) (*kgo.Record, error) {
	record, err := p.reader.record(line, number)
	if err != nil {
		return nil, err
	}
	if record.Key == nil && p.key != "" {
		record.Key = []byte(p.key)
	}
	record.Headers = append(record.Headers, p.fixed...)
	if p.partition >= 0 {
		record.Partition = p.partition
	}
	return record, nil
}

func (p *producing) send(ctx context.Context, r *clusterRun, topic string, limit int, options []kgo.Opt) error {
	if p.partition >= 0 || formatHas(p.reader, 'p') {
		options = append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	}
	producer, err := r.client.Kgo(options...)
	if err != nil {
		return err
	}
	defer producer.Close()
	out := bufio.NewWriter(r.Out)
	run := &produceRun{session: r.session, client: r.client, producer: producer, topic: topic, format: p, limit: limit, prompt: terminal(r.In) && terminal(r.Out) && !r.flags.quiet}
	var printed error
	run.told = func(record *kgo.Record) {
		p.sent++
		if p.told && printed == nil {
			printed = printSent(out, r.form, record)
		}
	}
	err = run.all(ctx)
	if printed == nil {
		printed = out.Flush()
	}
	if err == nil {
		err = printed
	}
	var lost *lostError
	if errors.As(err, &lost) && p.sent > 0 {
		return &exitError{code: exitPartial, err: err}
	}
	if err == nil && terminal(r.IO.Err) && !r.flags.quiet {
		r.say("%s to %s", counted(p.sent, "record"), topic)
	}
	return err
}

// sentRecord is where a record went.
type sentRecord struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Timestamp time.Time `json:"timestamp"`
}

func printSent(w io.Writer, form outputForm, r *kgo.Record) error {
	if form == jsonForm {
		return json.NewEncoder(w).Encode(sentRecord{r.Topic, r.Partition, r.Offset, r.Timestamp.UTC()})
	}
	_, err := fmt.Fprintf(w, "%s\t%d\t%d\n", r.Topic, r.Partition, r.Offset)
	return err
}

// count reads all lines as they would be sent.
func (p *producing) count(ctx context.Context, r *clusterRun, limit int) error {
	in := newLineReader(r.In, limit)
	for number := 1; ; number++ {
		line, err := in.next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			_, err := fmt.Fprintf(r.Out, "%s would be sent\n", counted(int64(number-1), "record"))
			return err
		case ctx.Err() != nil:
			return interruption(ctx)
		case err != nil:
			return fmt.Errorf("read line %d of standard input: %w", number, err)
		}
		if _, err := p.record(line, number); err != nil {
			return err
		}
	}
}
