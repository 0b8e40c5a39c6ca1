package cli

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// perfCounts counts what the client did, for --print-metrics: what Kafka's
// metrics of the same names count. Java's client has about a hundred of them
// and we print those that are measured here.
type perfCounts struct {
	clientID string
	begun    time.Time

	mu                  sync.Mutex // guards what follows
	batches, records    int64
	raw, packed         int64 // bytes of batches before and after compression
	largestBatch        int64
	requests            int64
	latency, mostWaited time.Duration
	sent, received      int64 // bytes on the wire
	connections, closed int64
	failed              int64 // records that were given up
}

func newPerfCounts(clientID string) *perfCounts {
	return &perfCounts{clientID: clientID, begun: time.Now()}
}

func (c *perfCounts) batch(records, raw, packed int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batches++
	c.records += int64(records)
	c.raw += int64(raw)
	c.packed += int64(packed)
	c.largestBatch = max(c.largestBatch, int64(packed))
}

// OnProduceBatchWritten is kgo's hook for a batch that is sent.
func (c *perfCounts) OnProduceBatchWritten(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.ProduceBatchMetrics) {
	c.batch(m.NumRecords, m.UncompressedBytes, m.CompressedBytes)
}

// OnFetchBatchRead is kgo's hook for a batch that is read.
func (c *perfCounts) OnFetchBatchRead(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.FetchBatchMetrics) {
	c.batch(m.NumRecords, m.UncompressedBytes, m.CompressedBytes)
}

// OnProduceRecordUnbuffered is kgo's hook for the end of a record.
func (c *perfCounts) OnProduceRecordUnbuffered(_ *kgo.Record, err error) {
	if err == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed++
}

// OnBrokerE2E is kgo's hook for an answered request.
func (c *perfCounts) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e kgo.BrokerE2E) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	c.sent += int64(e.BytesWritten)
	c.received += int64(e.BytesRead)
	c.latency += e.DurationE2E()
	c.mostWaited = max(c.mostWaited, e.DurationE2E())
}

// OnBrokerConnect is kgo's hook for a connection made or not.
func (c *perfCounts) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.connections++
	}
}

// OnBrokerDisconnect is kgo's hook for a connection closed.
func (c *perfCounts) OnBrokerDisconnect(kgo.BrokerMetadata, net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed++
}

// print writes the metrics of a producer or a consumer by Kafka's names, in
// the form of its tools.
func (c *perfCounts) print(w io.Writer, kind string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	elapsed := time.Since(c.begun)
	ratio := func(a, b float64) float64 {
		if b == 0 {
			return 0
		}
		return a / b
	}
	values := map[string]float64{
		"connection-count":          float64(c.connections - c.closed),
		"connection-creation-total": float64(c.connections),
		"connection-close-total":    float64(c.closed),
		"request-total":             float64(c.requests),
		"request-rate":              perSecond(c.requests, elapsed),
		"outgoing-byte-total":       float64(c.sent),
		"outgoing-byte-rate":        perSecond(c.sent, elapsed),
		"incoming-byte-total":       float64(c.received),
		"incoming-byte-rate":        perSecond(c.received, elapsed),
		"request-latency-avg":       ratio(float64(c.latency.Microseconds())/1000, float64(c.requests)),
		"request-latency-max":       float64(c.mostWaited.Microseconds()) / 1000,
		"request-size-avg":          ratio(float64(c.sent), float64(c.requests)),
		"network-io-rate":           perSecond(2*c.requests, elapsed),
		"response-rate":             perSecond(c.requests, elapsed),
		"response-total":            float64(c.requests),
	}
	group := kind + "-metrics"
	lines := make(map[string]float64, len(values)+8)
	for name, v := range values {
		lines[group+":"+name] = v
	}
	if kind == "producer" {
		lines[group+":record-send-total"] = float64(c.records)
		lines[group+":record-send-rate"] = perSecond(c.records, elapsed)
		lines[group+":record-error-total"] = float64(c.failed)
		lines[group+":record-size-avg"] = ratio(float64(c.raw), float64(c.records))
		lines[group+":records-per-request-avg"] = ratio(float64(c.records), float64(c.requests))
		lines[group+":batch-size-avg"] = ratio(float64(c.packed), float64(c.batches))
		lines[group+":batch-size-max"] = float64(c.largestBatch)
		lines[group+":compression-rate-avg"] = ratio(float64(c.packed), float64(c.raw))
	} else {
		fetch := "consumer-fetch-manager-metrics"
		lines[fetch+":records-consumed-total"] = float64(c.records)
		lines[fetch+":records-consumed-rate"] = perSecond(c.records, elapsed)
		lines[fetch+":bytes-consumed-total"] = float64(c.packed)
		lines[fetch+":bytes-consumed-rate"] = perSecond(c.packed, elapsed)
	}
	return printMetrics(w, lines, "{client-id="+c.clientID+"}")
}

func printMetrics(w io.Writer, values map[string]float64, tags string) error {
	names, width := make([]string, 0, len(values)), 0
	for name := range values {
		names = append(names, name)
		width = max(width, len(name)+1+len(tags))
	}
	slices.Sort(names)
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-*s   %s\n", width, "Metric Name", "Value")
	for _, name := range names {
		fmt.Fprintf(&b, "%-*s : %.3f\n", width, name+":"+tags, values[name])
	}
	_, err := io.WriteString(w, b.String())
	return err
}
