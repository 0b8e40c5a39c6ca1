package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"schloss/client"
	"schloss/kafka"
	"schloss/kafka/config"
)

// sender sends the lines and compares, all as the least-privileged client.
type sender struct {
	*quickstart
	primary, backup reader
	sent, skipped   int64
	source          string
}

// reader is one cluster as the sender sees it.
type reader struct {
	client   *client.Client
	consumer *config.Values
	holds    *held
}

func (q *quickstart) newSender(ctx context.Context) (*sender, error) {
	s := &sender{quickstart: q}
	var err error
	if s.primary, err = q.newReader(ctx, q.primaryServer()); err != nil {
		return nil, err
	}
	if s.backup, err = q.newReader(ctx, q.backup.address()); err != nil {
		s.primary.client.Close()
		return nil, err
	}
	return s, nil
}

func (q *quickstart) primaryServer() string { return q.primary.address() }

func (q *quickstart) newReader(ctx context.Context, server string) (reader, error) {
	values, err := q.senderSettings(config.Consumer, server)
	if err != nil {
		return reader{}, err
	}
	c, err := client.Open(ctx, client.Config{Values: values})
	return reader{client: c, consumer: values, holds: newHeld()}, err
}

// senderSettings are sender.properties as one kind of client reads them.
func (q *quickstart) senderSettings(table *config.Table, server string) (*config.Values, error) {
	p, err := config.ReadFile(q.file("sender.properties"))
	if err != nil {
		return nil, err
	}
	p.Set("bootstrap.servers", server)
	values, _, err := table.Read(p) // a producer's settings are no news to a consumer
	return values, err
}

func (s *sender) close() {
	s.primary.client.Close()
	s.backup.client.Close()
}

// end is where the topic of the cluster ends; 0 while there is no topic. A
// topic that is just being made has no leader for a moment.
func (r reader) end(ctx context.Context) (int64, error) {
	for deadline := time.Now().Add(backupPatience); ; {
		offset, err := r.endNow(ctx)
		switch {
		case err == nil:
			return offset, nil
		case answered(err, kafka.ErrUnknownTopicOrPartition):
			return 0, nil // the mirror has not made it yet
		case !answered(err, kafka.ErrLeaderNotAvailable) || time.Now().After(deadline):
			return 0, fmt.Errorf("find the end of topic %s: %w", quickstartTopic, err)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (r reader) endNow(ctx context.Context) (int64, error) {
	offsets, err := client.NewAdmin(r.client).ListOffsets(ctx, int64(kafka.LatestOffset), []kafka.TopicPartition{{Topic: quickstartTopic}})
	if err != nil {
		return 0, err
	}
	return int64(offsets[0].Offset), offsets[0].Err
}

// answered says whether err is this error of Kafka's, as either library has it.
func answered(err error, code kafka.ErrorCode) bool {
	return errors.Is(err, code) || errors.Is(err, kerr.ErrorForCode(int16(code)))
}

func (r reader) read(ctx context.Context) error {
	end, err := r.end(ctx)
	if err != nil {
		return err
	}
	return r.holds.readUntil(ctx, r.client, r.consumer, end)
}

// send sends the lines that the primary does not hold.
func (s *sender) send(ctx context.Context, source *lineSource) error {
	if err := s.primary.read(ctx); err != nil {
		return err
	}
	values, err := s.senderSettings(config.Producer, s.primaryServer())
	if err != nil {
		return err
	}
	opts, err := client.ProducerOptions(values)
	if err != nil {
		return err
	}
	producer, err := s.primary.client.Kgo(opts...)
	if err != nil {
		return err
	}
	defer producer.Close()
	s.source = source.name
	changed, err := s.produce(ctx, producer, source)
	if err != nil {
		return err
	}
	if changed > 0 {
		s.warn("of %s, %s changed since they were sent; records stay as they were", relative(source.name), counted(changed, "line"))
	}
	return s.primary.read(ctx)
}

// produce sends in order and stops at the first line that is not taken, so
// that the topic never has a gap.
func (s *sender) produce(ctx context.Context, producer *kgo.Client, source *lineSource) (changed int64, err error) {
	last := s.primary.holds.lines[source.name]
	var mu sync.Mutex // guards failed
	var failed error
	var answers sync.WaitGroup // Flush does not wait for what was never sent
	for {
		line, err := source.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return changed, errors.Join(err, producer.Flush(ctx))
		}
		record := source.record(line)
		if source.line <= last {
			s.skipped++
			if s.primary.holds.records[digestOf(record)] == 0 {
				changed++
			}
			continue
		}
		s.sent++
		answers.Add(1)
		producer.Produce(ctx, record, func(_ *kgo.Record, err error) {
			defer answers.Done()
			mu.Lock()
			defer mu.Unlock()
			if err != nil && failed == nil {
				failed = err
			}
		})
		mu.Lock()
		stop := failed != nil
		mu.Unlock()
		if stop {
			break
		}
	}
	if err := producer.Flush(ctx); err != nil {
		return changed, err
	}
	answers.Wait()
	mu.Lock()
	defer mu.Unlock()
	return changed, client.Denied(failed, kafka.Write, kafka.Topic, quickstartTopic)
}

// unequalError says that the backup does not get what the primary holds.
type unequalError struct {
	missing, foreign int64
	log              string
}

func (e *unequalError) Error() string {
	if e.foreign > 0 {
		return fmt.Sprintf("the backup holds %s that the primary does not", counted(e.foreign, "record"))
	}
	return fmt.Sprintf("the backup lacks %s and has got no new one for %s", counted(e.missing, "record"), backupPatience)
}

func (e *unequalError) Hint() string { return "see the mirror's log: less " + quoted(relative(e.log)) }

// waitForBackup reads the backup until it holds all that the primary does.
func (s *sender) waitForBackup(ctx context.Context) error {
	news := time.Now()
	for {
		before := s.backup.holds.total
		if err := s.backup.read(ctx); err != nil {
			return err
		}
		missing, foreign := s.backup.holds.missing(s.primary.holds), s.backup.holds.foreign(s.primary.holds)
		if foreign > 0 {
			return &unequalError{missing: missing, foreign: foreign, log: s.file("logs/mirror.log")}
		}
		if missing == 0 {
			return nil
		}
		if s.backup.holds.total > before {
			news = time.Now()
		}
		if time.Since(news) > backupPatience {
			return &unequalError{missing: missing, log: s.file("logs/mirror.log")}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// summary says what was done.
func (q *quickstart) summary(s *sender) string {
	var b strings.Builder
	fmt.Fprintf(&b, "primary: SSL://%s, backup: SSL://%s, both with mutual TLS and access rules, in %s\n", q.primary.address(), q.backup.address(), relative(q.dir))
	fmt.Fprintf(&b, "sent %s of %s as User:%s", counted(s.sent, "line"), relative(s.source), quickstartSender)
	if s.skipped > 0 {
		fmt.Fprintf(&b, "; %s there already", were(s.skipped))
	}
	fmt.Fprintf(&b, "\nthe backup holds the same %s, compared by content", counted(s.primary.holds.total, "record"))
	if twice := s.backup.holds.total - s.primary.holds.total; twice > 0 {
		fmt.Fprintf(&b, " (%s of them twice: an earlier mirror was killed)", count(twice))
	}
	b.WriteByte('\n')
	return b.String()
}

// sayReady ends the report and shows what to try next.
func (q *quickstart) sayReady() {
	sender, admin := quotedPath(q.file("sender.properties")), quotedPath(q.file("admin.properties"))
	fmt.Fprintln(q.Out, "ready")
	fmt.Fprintln(q.Out, "\nTry next, in another terminal (Ctrl-C here ends everything):")
	for _, try := range [][2]string{
		{"read the backup", fmt.Sprintf("%s --bootstrap-server %s --command-config %s --topic %s --partition 0 --offset earliest --max-messages 5 --timeout-ms 5000 --formatter-property print.headers=true", q.beside("kafka-console-consumer"), q.backup.address(), sender, quickstartTopic)},
		{"write to the primary: the mirror carries it over", fmt.Sprintf("echo hello | %s --bootstrap-server %s --command-config %s --topic %s", q.beside("kafka-console-producer"), q.primary.address(), sender, quickstartTopic)},
		{"see what the sender may not do", fmt.Sprintf("%s --bootstrap-server %s --command-config %s --create --topic other", q.beside("kafka-topics"), q.primary.address(), sender)},
		{"see who may do what", fmt.Sprintf("%s --bootstrap-server %s --command-config %s --list", q.beside("kafka-acls"), q.primary.address(), admin)},
	} {
		fmt.Fprintf(q.Out, "  # %s\n  %s\n", try[0], try[1])
	}
}

func quotedPath(path string) string { return quotedWord(relative(path)) }

// quotedWord quotes text for the shell where it needs that.
func quotedWord(text string) string {
	if text == "" || strings.ContainsAny(text, " \t\n'\"$&;()*?[]{}<>|\\`#~!") {
		return quoted(text)
	}
	return text
}
