package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The formatters of Kafka that are served. Their names in 2.x and 3.x differ
// by package or outer class alone.
var formatterHomes = []string{"org.apache.kafka.tools.consumer.", "kafka.tools.", "kafka.coordinator.group.GroupMetadataManager$", "kafka.coordinator.transaction.TransactionLog$"}

// printerOf is the formatter that --formatter names, Kafka's default unless given.
func printerOf(o *options, s *session) (recordPrinter, error) {
	class := o.get("formatter")
	name := class
	for _, home := range formatterHomes {
		name = strings.TrimPrefix(name, home)
	}
	switch name {
	case "", "DefaultMessageFormatter":
		return newFormatter(o, s.Out)
	case "NoOpMessageFormatter":
		return newFormatter(o, io.Discard)
	case "LoggingMessageFormatter":
		f, err := newFormatter(o, s.Out)
		return &loggingPrinter{f, s}, err
	case "OffsetsMessageFormatter":
		return newCoordinatorPrinter(s.Out, decodeOffsetsRecord, legacyOffsetCommitType, offsetCommitType), nil
	case "GroupMetadataMessageFormatter":
		return newCoordinatorPrinter(s.Out, decodeOffsetsRecord, groupMetadataType), nil
	case "TransactionLogMessageFormatter":
		return newCoordinatorPrinter(s.Out, decodeTransactionRecord, transactionType), nil
	}
	return nil, usage("formatter %s is not served: it is a Java class", class).
		advised("leave --formatter out, and choose the columns by --formatter-property print.key=true and its like; of Kafka's own there are org.apache.kafka.tools.consumer.{Default,Logging,NoOp,Offsets,GroupMetadata,TransactionLog}MessageFormatter")
}

// loggingPrinter prints a message and tells it on standard error, where
// Kafka's formatter writes to its log.
type loggingPrinter struct {
	*formatter
	session *session
}

func (p *loggingPrinter) write(r *kgo.Record) error {
	if err := p.formatter.write(r); err != nil {
		return err
	}
	text := func(b []byte) string {
		if b == nil {
			return "null"
		}
		return string(b)
	}
	time := timestampText(r)
	if time != "NO_TIMESTAMP" {
		time += ", "
	} else {
		time = ""
	}
	p.session.say("%s", oneLine(fmt.Sprintf("%skey:%s, value:%s", time, text(r.Key), text(r.Value))))
	return nil
}

// coordinatorPrinter prints what a coordinator has written, one JSON object a
// line; records of other types are passed over, as Kafka's formatters do.
type coordinatorPrinter struct {
	out    *bufio.Writer
	decode func(key, value []byte) (coordinatorRecord, error)
	kinds  []int16
}

func newCoordinatorPrinter(w io.Writer, decode func(key, value []byte) (coordinatorRecord, error), kinds ...int16) *coordinatorPrinter {
	return &coordinatorPrinter{bufio.NewWriterSize(w, 64<<10), decode, kinds}
}

func (p *coordinatorPrinter) flush() error { return p.out.Flush() }

func (p *coordinatorPrinter) write(r *kgo.Record) error {
	if r.Key == nil {
		return nil
	}
	c, err := p.decode(r.Key, r.Value)
	var unknown *unknownRecordError
	switch {
	case errors.As(err, &unknown):
		return nil
	case err != nil:
		return &decodeError{"it is no record of a coordinator: " + err.Error()}
	case !slices.Contains(p.kinds, c.kind):
		return nil
	}
	var value any
	if c.value != nil {
		value = jsonObject{{"version", c.version}, {"data", c.value}}
	}
	line, err := plainJSON(jsonObject{{"key", jsonObject{{"type", c.kind}, {"data", c.key}}}, {"value", value}})
	if err != nil {
		return err
	}
	_, err = p.out.Write(append(line, '\n'))
	return err
}
