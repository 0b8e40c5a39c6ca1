package broker

import (
	"runtime"

	"schloss/kafka/batch"
)

// maxUncompressed bounds what the records of one batch may unpack to while
// they are checked; nothing of it is kept.
const maxUncompressed = 256 << 20

// unpacking lets as many batches be unpacked at a time as there are
// processors. One may take as much memory as it unpacks to, while its codec
// demands a wide window; this bounds their sum, whatever the number of
// connections.
type unpacking chan struct{}

func newUnpacking() unpacking { return make(unpacking, runtime.GOMAXPROCS(0)) }

// enter waits for a place; leave gives it back.
func (u unpacking) enter() { u <- struct{}{} }
func (u unpacking) leave() { <-u }

// inspect walks through the records of a batch.
func (u unpacking) inspect(one batch.Batch) (batch.Summary, error) {
	if one.Attributes().Codec() != batch.None {
		u.enter()
		defer u.leave()
	}
	return one.Inspect(maxUncompressed)
}
