package local

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"schloss/internal/disk"
	"schloss/kafka"
)

// recoveryFile is Kafka's name of the file that says, for each log of a
// directory, up to which offset its bytes are known to be durable.
const recoveryFile = "recovery-point-offset-checkpoint"

// formatCheckpoint gives Kafka's checkpoint format: version, count, lines.
func formatCheckpoint(lines []string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "0\n%d\n", len(lines))
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	return []byte(b.String())
}

func parseCheckpoint(content []byte) ([]string, error) {
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	if len(lines) < 2 || lines[0] != "0" {
		return nil, fmt.Errorf("version %q is not 0", lines[0])
	}
	n, err := strconv.Atoi(lines[1])
	if lines = lines[2:]; err != nil || n != len(lines) {
		return nil, fmt.Errorf("%d entries instead of %q", len(lines), lines)
	}
	return lines, nil
}

// points are the recovery points of the logs of one directory.
type points map[kafka.TopicPartition]kafka.Offset

func (p points) format() []byte {
	lines := make([]string, 0, len(p))
	for tp, o := range p {
		lines = append(lines, fmt.Sprintf("%s %d %d", tp.Topic, tp.Partition, o))
	}
	slices.Sort(lines)
	return formatCheckpoint(lines)
}

func parsePoints(content []byte) (points, error) {
	lines, err := parseCheckpoint(content)
	if err != nil {
		return nil, err
	}
	p := points{}
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return nil, fmt.Errorf("%q is not a topic, a partition and an offset", line)
		}
		partition, perr := strconv.ParseInt(fields[1], 10, 32)
		offset, oerr := strconv.ParseInt(fields[2], 10, 64)
		if err := errors.Join(perr, oerr); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		p[kafka.TopicPartition{Topic: fields[0], Partition: int32(partition)}] = kafka.Offset(offset)
	}
	return p, nil
}

// readPoints reads the recovery points of a directory; it has none at first.
func readPoints(fsys disk.FS, dir string) (points, error) {
	name := dir + "/" + recoveryFile
	content, err := disk.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return points{}, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := parsePoints(content)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return p, nil
}
