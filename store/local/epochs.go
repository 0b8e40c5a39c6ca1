package local

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"schloss/kafka"
)

// epochFile is Kafka's name of the file that holds the leader epochs.
const epochFile = "leader-epoch-checkpoint"

// epochStart says that an epoch's first record has offset start.
type epochStart struct {
	epoch kafka.Epoch
	start kafka.Offset
}

// epochs are the leader epochs of a log in ascending order. They never change:
// with and the others make new ones.
type epochs []epochStart

// with adds an epoch that begins at start, unless it is there.
func (e epochs) with(epoch kafka.Epoch, start kafka.Offset) epochs {
	if epoch < 0 || len(e) > 0 && e[len(e)-1].epoch >= epoch {
		return e
	}
	return append(slices.Clip(e), epochStart{epoch, start})
}

// before forgets the epochs that begin at end or later.
func (e epochs) before(end kafka.Offset) epochs {
	n := sort.Search(len(e), func(i int) bool { return e[i].start >= end })
	return e[:n:n]
}

// from forgets the epochs that end at start or earlier.
func (e epochs) from(start kafka.Offset) epochs {
	n := 0
	for n+1 < len(e) && e[n+1].start <= start {
		n++
	}
	if len(e) == 0 || n == 0 && e[0].start >= start {
		return e
	}
	e = slices.Clone(e[n:])
	e[0].start = max(e[0].start, start)
	return e
}

// end is Kafka's LeaderEpochFileCache.endOffsetFor.
func (e epochs) end(epoch kafka.Epoch, logEnd kafka.Offset) (kafka.Epoch, kafka.Offset) {
	if len(e) == 0 || epoch < 0 {
		return kafka.NoEpoch, kafka.NoOffset
	}
	if latest := e[len(e)-1].epoch; epoch == latest {
		return latest, logEnd
	}
	higher := sort.Search(len(e), func(i int) bool { return e[i].epoch > epoch })
	switch higher {
	case len(e):
		return kafka.NoEpoch, kafka.NoOffset
	case 0:
		return epoch, e[0].start
	}
	return e[higher-1].epoch, e[higher].start
}

// at is the epoch of an offset.
func (e epochs) at(o kafka.Offset) kafka.Epoch {
	i := sort.Search(len(e), func(i int) bool { return e[i].start > o })
	if i == 0 {
		return kafka.NoEpoch
	}
	return e[i-1].epoch
}

func (e epochs) format() []byte {
	lines := make([]string, len(e))
	for i, s := range e {
		lines[i] = fmt.Sprintf("%d %d", s.epoch, s.start)
	}
	return formatCheckpoint(lines)
}

// parseEpochs reads the file. The epochs can be read again from the batches,
// but for those below the recovery point, where nothing is scanned.
func parseEpochs(content []byte) (epochs, error) {
	lines, err := parseCheckpoint(content)
	if err != nil {
		return nil, err
	}
	var out epochs
	for _, line := range lines {
		var s epochStart
		if n, err := fmt.Sscanf(line, "%d %d", &s.epoch, &s.start); n != 2 || err != nil || len(strings.Fields(line)) != 2 {
			return nil, fmt.Errorf("%q is not an epoch and an offset", line)
		}
		out = out.with(s.epoch, s.start)
	}
	return out, nil
}
