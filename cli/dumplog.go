package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"schloss/kafka"
	"schloss/kafka/batch"
)

var dumpLog = &tool{
	name:  "kafka-dump-log",
	about: "This tool helps to parse a log file and dump its contents to the console, useful for debugging a seemingly corrupt log segment. It reads only, whether a broker runs or not.",
	usage: "--files FILE,FILE [--print-data-log] [--offsets-decoder] ...",
	run:   runDumpLog,
	flags: []flag{
		{name: "files", value: needsValue, arg: "FILE,FILE", doc: "The .log, .index, .timeindex, .snapshot and .txnindex files to dump."},
		{name: "print-data-log", doc: "Print the records of .log files; so does each of the decoders."},
		{name: "deep-iteration", doc: "Go through the records, and not only the batches."},
		{name: "skip-record-metadata", doc: "Print keys and values of records without the rest."},
		{name: "value-decoder-class", value: optionalValue, arg: "CLASS", doc: "Kafka's own decoders: StringDecoder (the default), ByteArrayDecoder, IntegerDecoder, LongDecoder."},
		{name: "key-decoder-class", value: optionalValue, arg: "CLASS", doc: "Likewise for keys."},
		{name: "offsets-decoder", doc: "The file is of __consumer_offsets."},
		{name: "transaction-log-decoder", doc: "The file is of __transaction_state."},
		{name: "cluster-metadata-decoder", doc: "The file is of this broker's own __cluster_metadata, whose records are JSON; those of Kafka's KRaft are not decoded."},
		{name: "index-sanity-check", doc: "Only say whether an index would pass at a start."},
		{name: "verify-index-only", doc: "Only compare indexes with their logs."},
		{name: "max-message-size", value: needsValue, arg: "BYTES", check: atLeastOne, def: "5242880", doc: "How large a batch may be that an index points to."},
		{name: "max-bytes", value: needsValue, arg: "BYTES", check: atLeastOne, def: strconv.Itoa(math.MaxInt32), doc: "How much of each .log file to read."},
		{name: "remote-log-metadata-decoder", refused: "there is no remote log storage here"},
		{name: "share-group-state-decoder", refused: "the records of share groups are not decoded"},
	},
}

// fileError is a file that is not what it should be, and where.
type fileError struct {
	path string
	at   int64
	err  error
}

func (e *fileError) Error() string { return fmt.Sprintf("%s: at byte %d: %v", e.path, e.at, e.err) }

func (e *fileError) Unwrap() error { return e.err }

func runDumpLog(ctx context.Context, s *session, o *options) error {
	if !o.has("files") {
		return usage(`Missing required argument "[files]"`).advised("add --files 00000000000000000000.log")
	}
	if countGiven(o, "offsets-decoder", "transaction-log-decoder", "cluster-metadata-decoder") > 1 {
		return usage("more than one decoder is named").advised("choose the one of the file's topic")
	}
	out := bufio.NewWriterSize(s.Out, 64<<10)
	run := &dumpRun{session: s, options: o, out: out}
	run.contents = countGiven(o, "print-data-log", "offsets-decoder", "transaction-log-decoder", "cluster-metadata-decoder", "value-decoder-class", "key-decoder-class") > 0
	var err error
	if run.parse, err = recordParser(o); err != nil {
		return err
	}
	for _, path := range strings.Split(o.get("files"), ",") {
		if err = errors.Join(run.file(ctx, path), out.Flush()); err != nil {
			return err
		}
	}
	run.complain()
	return nil
}

// dumpRun prints files, and keeps what is wrong with them for the end.
type dumpRun struct {
	*session
	*options
	out      *bufio.Writer
	contents bool
	parse    recordParse

	complaints []string
}

func (r *dumpRun) note(format string, args ...any) {
	r.complaints = append(r.complaints, fmt.Sprintf(format, args...))
}

func (r *dumpRun) complain() {
	for _, c := range r.complaints {
		fmt.Fprintln(r.IO.Err, c)
	}
}

// file dumps one file by its suffix.
func (r *dumpRun) file(ctx context.Context, path string) error {
	fmt.Fprintf(r.out, "Dumping %s\n", path)
	switch filepath.Ext(path) {
	case ".log":
		return r.log(ctx, path)
	case ".index":
		return r.offsetIndex(path)
	case ".timeindex":
		return r.timeIndex(path)
	case ".snapshot":
		return r.producerSnapshot(path)
	case ".txnindex":
		return r.transactionIndex(path)
	}
	r.note("Ignoring unknown file %s", path)
	return nil
}

// baseOffset is the offset that a file's name begins with.
func baseOffset(path string) (kafka.Offset, error) {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	n, err := strconv.ParseInt(name, 10, 64)
	if err != nil || n < 0 {
		return 0, usage("%s is not named as a segment's file is, by its first offset", path).advised("name it as 00000000000000000000" + filepath.Ext(path))
	}
	return kafka.Offset(n), nil
}

func (r *dumpRun) log(ctx context.Context, path string) error {
	base, err := baseOffset(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.out, "Log starting offset: %d\n", base)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	last := kafka.Offset(-1)
	var gaps []string
	limit := r.integer("max-bytes")
	size, err := eachBatch(f, limit, func(at int64, b batch.Batch) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.batch(at, b)
		if !r.contents && !r.has("deep-iteration") {
			return nil
		}
		if b.Check() != nil {
			return &fileError{path, at, b.Check()}
		}
		records, err := b.Records(dumpLimit)
		if err != nil {
			return &fileError{path, at, err}
		}
		for i := range records {
			if offset := records[i].Offset; offset != last+1 {
				gaps = append(gaps, fmt.Sprintf("  %d is followed by %d", last, offset))
			}
			last = records[i].Offset
			r.record(b, int32(i), &records[i])
		}
		return nil
	})
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err != nil {
		return err
	} else if left := info.Size() - size; left > 0 && limit == math.MaxInt32 {
		fmt.Fprintf(r.out, "Found %d invalid bytes at the end of %s\n", left, filepath.Base(path))
	}
	if full, err := filepath.Abs(path); err == nil && len(gaps) > 0 {
		r.note("Non-consecutive offsets in %s", full)
		r.complaints = append(r.complaints, gaps...)
	}
	return nil
}

// dumpLimit bounds the records of one batch once they are decompressed.
const dumpLimit = 256 << 20

// eachBatch hands over the batches of a log until one is not whole, and says
// how many bytes they take. Header and length are looked at, the CRC is not.
func eachBatch(f io.ReaderAt, limit int64, do func(at int64, b batch.Batch) error) (int64, error) {
	in := io.NewSectionReader(f, 0, limit)
	var at int64
	head := make([]byte, batch.HeaderSize)
	for {
		if _, err := io.ReadFull(io.NewSectionReader(in, at, batch.HeaderSize), head); err != nil {
			return at, endOfLog(err)
		}
		whole := make([]byte, 0, batch.HeaderSize)
		if _, _, err := batch.Split(head); err != nil && !errors.Is(err, batch.ErrShort) {
			return at, nil // what follows is no batch
		}
		size := batch.Batch(head).Header().Size
		// Read by what is there: the length may be a lie.
		body, err := io.ReadAll(io.NewSectionReader(in, at, int64(size)))
		if err != nil {
			return at, err
		}
		if whole = append(whole, body...); len(whole) < size {
			return at, nil
		}
		if err := do(at, batch.Batch(whole)); err != nil {
			return at, err
		}
		at += int64(size)
	}
}

func endOfLog(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

func (r *dumpRun) batch(at int64, b batch.Batch) {
	a := b.Attributes()
	horizon := "OptionalLong.empty"
	if a.DeleteHorizon() {
		horizon = fmt.Sprintf("OptionalLong[%d]", b.BaseTimestamp())
	}
	lastSequence := b.BaseSequence()
	if lastSequence >= 0 {
		lastSequence = int32((int64(lastSequence) + int64(b.LastOffsetDelta())) & math.MaxInt32) // it wraps
	}
	fmt.Fprintf(r.out, "baseOffset: %d lastOffset: %d count: %d baseSequence: %d lastSequence: %d producerId: %d producerEpoch: %d partitionLeaderEpoch: %d isTransactional: %t isControl: %t deleteHorizonMs: %s"+
		" position: %d %s: %d size: %d magic: %d compresscodec: %s crc: %d isvalid: %t\n",
		b.BaseOffset(), b.LastOffset(), b.Count(), b.BaseSequence(), lastSequence, b.ProducerID(), b.ProducerEpoch(), b.LeaderEpoch(), a.Transactional(), a.Control(), horizon,
		at, timestampType(a), b.MaxTimestamp(), len(b), b.Magic(), a.Codec(), b.CRC(), b.Check() == nil)
}

func timestampType(a batch.Attributes) string {
	if a.LogAppendTime() {
		return "LogAppendTime"
	}
	return "CreateTime"
}
