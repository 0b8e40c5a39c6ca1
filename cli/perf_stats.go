package cli

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// perfStats are the latencies of one run, or of its part after the warm-up,
// printed as Kafka's tool does (ProducerPerformance.Stats).
type perfStats struct {
	out    io.Writer
	err    error         // of the first line that could not be written
	report time.Duration // between two windows
	begun  time.Time
	steady bool // the part after the warm-up
	silent bool // no windows any more

	every          int64 // a latency is kept for each so many records
	kept           []int64
	count, bytes   int64
	sum, largest   int64 // of the latencies, in milliseconds
	window         perfWindow
	windowsBegunAt time.Time
}

// perfWindow is what came since the last report.
type perfWindow struct{ count, bytes, sum, largest int64 }

// perfSamples is how many latencies are kept at most.
const perfSamples = 500_000

func newPerfStats(out io.Writer, plan perfPlan, records int64) *perfStats {
	now := time.Now()
	return &perfStats{out: out, report: plan.report, begun: now, windowsBegunAt: now, every: (records + perfSamples - 1) / perfSamples}
}

func (s *perfStats) record(now time.Time, latency time.Duration, size int) {
	millis := latency.Milliseconds()
	if s.count%s.every == 0 {
		s.kept = append(s.kept, millis)
	}
	s.count++
	s.bytes += int64(size)
	s.sum += millis
	s.largest = max(s.largest, millis)
	w := &s.window
	w.count++
	w.bytes += int64(size)
	w.sum += millis
	w.largest = max(w.largest, millis)
	if elapsed := now.Sub(s.windowsBegunAt); elapsed >= s.report {
		s.printWindow(elapsed)
		s.window, s.windowsBegunAt = perfWindow{}, now
	}
}

func (s *perfStats) printWindow(elapsed time.Duration) {
	w := s.window
	if s.steady && s.count == w.count {
		s.printf("In steady state.\n")
	}
	if !s.silent {
		s.printf("%d records sent, %.1f records/sec (%.2f MB/sec), %.1f ms avg latency, %.1f ms max latency.\n",
			w.count, perSecond(w.count, elapsed), megabytes(w.bytes, elapsed), float64(w.sum)/float64(w.count), float64(w.largest))
	}
}

func (s *perfStats) printTotal() error {
	elapsed := time.Since(s.begun)
	slices.Sort(s.kept)
	at := func(part float64) int64 {
		if len(s.kept) == 0 {
			return 0
		}
		return s.kept[int(part*float64(len(s.kept)))]
	}
	steady, average := "", 0.0
	if s.steady {
		steady = " steady state"
	}
	if s.count > 0 {
		average = float64(s.sum) / float64(s.count)
	}
	s.printf("%d%s records sent, %f records/sec (%.2f MB/sec), %.2f ms avg latency, %.2f ms max latency, %d ms 50th, %d ms 95th, %d ms 99th, %d ms 99.9th.\n",
		s.count, steady, perSecond(s.count, elapsed), megabytes(s.bytes, elapsed), average, float64(s.largest), at(0.5), at(0.95), at(0.99), at(0.999))
	return s.err
}

func (s *perfStats) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(s.out, format, args...); err != nil && s.err == nil {
		s.err = err
	}
}

func perSecond(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// megabytes is MB a second, as Kafka counts them: 2^20 bytes.
func megabytes(bytes int64, d time.Duration) float64 { return perSecond(bytes, d) / (1 << 20) }
