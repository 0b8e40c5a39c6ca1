package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"schloss/client"
	"schloss/kafka"
)

var deleteRecords = &tool{
	name:  "kafka-delete-records",
	about: "This tool helps to delete records of the given partitions down to the specified offset.",
	usage: "--bootstrap-server HOST:PORT [--command-config FILE] --offset-json-file FILE",
	run:   runDeleteRecords,
	flags: []flag{
		{name: "bootstrap-server", value: needsValue, arg: "HOST:PORT", doc: "Brokers to connect to, separated by commas."},
		{name: "command-config", value: needsValue, arg: "FILE", doc: "Properties of the connection, such as security.protocol and the ssl settings."},
		{name: "offset-json-file", value: needsValue, arg: "FILE", doc: `Which records: {"partitions": [{"topic": "foo", "partition": 1, "offset": 10}], "version": 1}. The records before the offset go; -1 stands for all.`},
	},
}

const offsetFileForm = `{"partitions": [{"topic": "foo", "partition": 1, "offset": 10}], "version": 1}`

func runDeleteRecords(ctx context.Context, s *session, o *options) error {
	for _, required := range []string{"bootstrap-server", "offset-json-file"} {
		if !o.has(required) {
			return usage(`Missing required argument "[%s]"`, required).advised("add --" + required)
		}
	}
	file := o.get("offset-json-file")
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("Unable to read file %s: %w", file, err)
	}
	before, err := parseOffsetFile(text)
	if err != nil {
		return fmt.Errorf("%w, in %s", err, file)
	}
	c, err := s.openAdmin(ctx, o)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := fmt.Fprintln(s.Out, "Executing records delete operation"); err != nil {
		return err
	}
	deleted, err := client.NewAdmin(c).DeleteRecords(ctx, before)
	if err != nil {
		return err
	}
	return s.printDeleted(deleted)
}

// printDeleted tells what became of each partition. A failed one leaves the exit
// code 0, as Kafka has it.
func (s *session) printDeleted(deleted []client.DeletedRecords) error {
	var b strings.Builder
	var failed []error
	fmt.Fprintln(&b, "Records delete operation completed:")
	for _, d := range deleted {
		if d.Err != nil {
			failed = append(failed, d.Err)
			fmt.Fprintf(&b, "partition: %s\terror: %s\n", d.TopicPartition, javaException(d.Err))
		} else {
			fmt.Fprintf(&b, "partition: %s\tlow_watermark: %d\n", d.TopicPartition, d.LowWatermark)
		}
	}
	if _, err := fmt.Fprint(s.Out, b.String()); err != nil {
		return err
	}
	if len(failed) > 0 {
		s.warn("%d of %d partitions keep their records: %v", len(failed), len(deleted), failed[0])
		s.hint(s.hintFor(failed[0]))
	}
	return nil
}

// offsetFileError is what is wrong with the JSON file, first in the words of
// Kafka's tool.
type offsetFileError struct{ problem string }

func (e *offsetFileError) Error() string { return e.problem }

// Hint shows the form.
func (e *offsetFileError) Hint() string { return "write it as " + offsetFileForm }

// parseOffsetFile reads the partitions with the offsets before which records go.
func parseOffsetFile(text []byte) ([]client.PartitionOffset, error) {
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, jsonError(text, err)
	}
	if whole == nil {
		return nil, &offsetFileError{"Expected JSON object, received null"}
	}
	if raw, given := whole["version"]; given {
		var version int64
		if err := json.Unmarshal(raw, &version); err != nil {
			return nil, &offsetFileError{"Expected `Integer` value, received " + string(raw) + " (version)"}
		}
		if version != 1 {
			return nil, &offsetFileError{fmt.Sprintf("Not supported version field value %d", version)}
		}
	}
	raw, given := whole["partitions"]
	if !given {
		return nil, &offsetFileError{"Missing partitions field"}
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil || entries == nil {
		return nil, &offsetFileError{"Expected JSON array, received " + string(raw)}
	}
	seen := map[kafka.TopicPartition]bool{}
	var before []client.PartitionOffset
	for i, entry := range entries {
		at, err := parseOffsetEntry(entry)
		if err != nil {
			return nil, fmt.Errorf("%w, in entry %d", err, i+1)
		}
		if seen[at.TopicPartition] {
			return nil, &offsetFileError{fmt.Sprintf("Offset json file contains duplicate topic partitions: %s", at.TopicPartition)}
		}
		seen[at.TopicPartition] = true
		before = append(before, at)
	}
	return before, nil
}

func parseOffsetEntry(entry json.RawMessage) (at client.PartitionOffset, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(entry, &fields); err != nil || fields == nil {
		return at, &offsetFileError{"Expected JSON object, received " + string(entry)}
	}
	for _, want := range []struct {
		name, kind string
		to         any
	}{{"topic", "String", &at.Topic}, {"partition", "Integer", &at.Partition}, {"offset", "Long", &at.Offset}} {
		raw, given := fields[want.name]
		if !given {
			return at, &offsetFileError{fmt.Sprintf("No such field exists: `%s`", want.name)}
		}
		if err := json.Unmarshal(raw, want.to); err != nil || string(raw) == "null" {
			return at, &offsetFileError{fmt.Sprintf("Expected `%s` value, received %s (%s)", want.kind, raw, want.name)}
		}
	}
	return at, nil
}

// jsonError says where the text is no JSON, or what it is instead of an object.
func jsonError(text []byte, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return &offsetFileError{"Expected JSON object, received " + strings.TrimSpace(string(text))}
	}
	read := text[:min(int(syntax.Offset), len(text))]
	line := 1 + bytes.Count(read, []byte{'\n'})
	column := len(read) - 1 - bytes.LastIndexByte(read, '\n')
	return &offsetFileError{fmt.Sprintf("The input string is not a valid JSON: line %d, column %d: %v", line, column, syntax)}
}
