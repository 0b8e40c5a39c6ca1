package broker

import (
	"errors"

	"schloss/store"
)

// retainLoop removes old segments and forgets silent producers, every
// log.retention.check.interval.ms.
func (b *Broker) retainLoop() {
	every(b.stopped, b.set.retentionCheck, func() {
		for _, t := range b.topics.all() {
			for _, r := range t.replicas() {
				if b.stopped.Err() != nil {
					return
				}
				if r.log != nil {
					b.retain(r)
				}
			}
		}
	})
}

func (b *Broker) retain(r *replica) {
	now := b.now()
	r.mu.Lock()
	r.producers.Expire(now)
	r.mu.Unlock()
	start, freed, err := r.log.Retain(now)
	switch {
	case errors.Is(err, store.ErrClosed): // deleted meanwhile
	case err != nil:
		b.log.Error("remove old segments", "partition", r.tp.String(), "error", err)
	case freed > 0:
		r.wake(0)
		b.log.Info("old segments removed", "partition", r.tp.String(), "start", int64(start), "bytes", freed)
	}
}
