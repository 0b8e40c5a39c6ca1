package broker

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/store"
)

// InitProducerId gives an idempotent producer its id.
//
// Behavior: IDEMPOTENT_WRITE on the cluster, or WRITE on any topic. Every call
// gets a new id with epoch 0; ids are reserved in blocks, durably, so that none
// is ever given twice.
//
// Versions: 3 lets a producer tell its old id, which earns it a new one.
//
// Differs from Kafka: a transactional id gets
// TRANSACTIONAL_ID_AUTHORIZATION_FAILED.
func initProducerID(b *Broker, c *call, req *kmsg.InitProducerIDRequest) kmsg.Response {
	resp := kmsg.NewPtrInitProducerIDResponse()
	resp.ProducerID, resp.ProducerEpoch = -1, -1
	if req.TransactionalID != nil {
		resp.ErrorCode = int16(kafka.ErrTransactionalIDAuthorizationFailed)
		return resp
	}
	if !c.sees(kafka.IdempotentWrite, kafka.Cluster, kafka.ClusterName) {
		if d := c.allowedAnyTopic(kafka.Write); !d.Allowed {
			c.denied(kafka.IdempotentWrite, kafka.Cluster, kafka.ClusterName, d)
			resp.ErrorCode = int16(kafka.ErrClusterAuthorizationFailed)
			return resp
		}
	}
	id, err := b.producers.next(b.meta)
	if err != nil {
		b.log.Error("reserve producer ids", "error", err)
		resp.ErrorCode = int16(codeOf(err))
		return resp
	}
	resp.ProducerID, resp.ProducerEpoch = int64(id), 0
	return resp
}

// producerBlock is how many ids are reserved at once (Kafka: PRODUCER_ID_BLOCK_SIZE).
const producerBlock = 1000

// producerIDs hands out ids of the block that was reserved last.
type producerIDs struct {
	mu        sync.Mutex // guards both
	at, until kafka.ProducerID
}

func (p *producerIDs) next(meta store.Metadata) (kafka.ProducerID, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == p.until {
		from := meta.Image().NextProducerID
		if err := meta.Commit(store.ReserveProducerIDs{Next: from + producerBlock}); err != nil {
			return 0, err
		}
		p.at, p.until = from, from+producerBlock
	}
	id := p.at
	p.at++
	return id, nil
}
