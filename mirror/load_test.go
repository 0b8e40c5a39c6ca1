package mirror_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// load produces to the source without a pause, each record with a value of its
// own. What a producer gives up may be there or not: the source says.
type load struct {
	c      *chaos
	values atomic.Int64
	plain  *kgo.Client
	hung   atomic.Int64 // partitions in which a transaction had to be ended by hand
	stop   context.CancelFunc
	all    sync.WaitGroup
}

func newLoad(c *chaos) *load {
	return &load{c: c, plain: c.kgo(c.source, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(4000), kgo.AllowAutoTopicCreation(), kgo.AlwaysRetryEOF(),
		kgo.ProducerBatchCompression(kgo.NoCompression()))} // the mirror joins some of these
}

// begin starts the load, once there is something to copy.
func (l *load) begin(ctx context.Context) {
	l.produce(ctx, l.plain, 100)
	stopping, stop := context.WithCancel(ctx)
	l.stop = stop
	l.all.Go(func() {
		for stopping.Err() == nil {
			l.produce(ctx, l.plain, 1+rand.IntN(60))
			rest(stopping, 30)
		}
	})
	if l.c.transactions {
		l.all.Go(func() { l.transact(stopping) })
	}
}

// end stops the load. The last record of each partition is none of a
// transaction.
func (l *load) end(ctx context.Context) {
	l.stop()
	l.all.Wait()
	if l.c.transactions {
		for ctx.Err() == nil && !l.settle(ctx, l.payer()) {
		}
	}
	l.produce(ctx, l.plain, 10*chaosPartitions)
	if ctx.Err() != nil {
		l.c.t.Fatalf("produce: %v", ctx.Err())
	}
}

func rest(ctx context.Context, millis int) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(rand.IntN(millis)) * time.Millisecond):
	}
}

func (l *load) produce(ctx context.Context, cl *kgo.Client, n int) error {
	var records []*kgo.Record
	for range n {
		v := l.values.Add(1)
		records = append(records, &kgo.Record{Topic: "chaos", Partition: int32(v % chaosPartitions), Key: fmt.Appendf(nil, "key %d", v%chaosKeys), Value: fmt.Appendf(nil, "%d", v)})
	}
	return cl.ProduceSync(ctx, records...).FirstErr()
}

func (l *load) payer() *kgo.Client {
	return l.c.kgo(l.c.source, kgo.TransactionalID("payer"), kgo.TransactionTimeout(5*time.Second), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(4000), kgo.RecordDeliveryTimeout(5*time.Second))
}

// settle ends what an earlier payer has left open. Kafka that is killed while it
// ends a transaction may forget a partition of it, which then shows nothing more
// to readers of committed records (seen on 4.3.1); it is ended as an operator
// would, with kafka-transactions.
func (l *load) settle(ctx context.Context, payer *kgo.Client) bool {
	if _, _, err := payer.ProducerID(ctx); err != nil {
		return false
	}
	req := kmsg.NewPtrDescribeProducersRequest()
	req.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: "chaos", Partitions: []int32{0, 1, 2}}}
	resp, err := req.RequestWith(ctx, payer)
	if err != nil || len(resp.Topics) != 1 {
		return false
	}
	for _, p := range resp.Topics[0].Partitions {
		for _, a := range p.ActiveProducers {
			if a.CurrentTxnStartOffset < 0 {
				continue
			}
			l.hung.Add(1)
			m := kmsg.NewWriteTxnMarkersRequestMarker()
			m.ProducerID, m.ProducerEpoch, m.CoordinatorEpoch = a.ProducerID, int16(a.ProducerEpoch), a.CoordinatorEpoch
			m.Topics = []kmsg.WriteTxnMarkersRequestMarkerTopic{{Topic: "chaos", Partitions: []int32{p.Partition}}}
			abort := kmsg.NewPtrWriteTxnMarkersRequest()
			abort.Markers = append(abort.Markers, m)
			if _, err := abort.RequestWith(ctx, payer); err != nil {
				return false
			}
		}
	}
	return true
}

// transact makes transactions, of which some are aborted and some left open.
func (l *load) transact(ctx context.Context) {
	for ctx.Err() == nil {
		cl := l.payer()
		for settled := l.settle(ctx, cl); settled && ctx.Err() == nil; {
			if cl.BeginTransaction() != nil {
				break
			}
			err := l.produce(ctx, cl, 1+rand.IntN(40))
			if err != nil || rand.IntN(20) == 0 {
				break
			}
			if cl.EndTransaction(ctx, kgo.TransactionEndTry(rand.IntN(4) > 0)) != nil {
				break
			}
			rest(ctx, 60)
		}
		cl.Close()
	}
}
