package listener

import (
	"net"
	"time"
)

// write sends answers in the order of their requests until the connection has
// gone, or reading is over and nothing is owed any more.
func (c *conn) write() {
	var batch []*Request
	for {
		batch = c.takeReady(batch[:0])
		if len(batch) == 0 {
			return
		}
		c.writing.Store(time.Now().UnixNano())
		err := c.send(batch)
		c.writing.Store(0)
		for _, r := range batch {
			if err == nil {
				err = r.hangup
			}
		}
		c.written(batch)
		if err != nil {
			c.fail(err)
			return
		}
	}
}

// takeReady waits until the head of the queue has ended, and takes it with
// those behind it that have ended too, up to about writeBatch bytes.
func (c *conn) takeReady(batch []*Request) []*Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.gone && (len(c.queue) == 0 && !c.closed || len(c.queue) > 0 && !c.queue[0].ended) {
		c.ready.Wait()
	}
	if c.gone {
		return batch
	}
	size := 0
	for _, r := range c.queue {
		if !r.ended || size >= writeBatch {
			break
		}
		batch = append(batch, r)
		size += r.outBytes
		if r.hangup != nil {
			break
		}
	}
	return batch
}

// written takes the batch off the queue, once its buffers are free.
func (c *conn) written(batch []*Request) {
	freed := 0
	for _, r := range batch {
		for _, b := range r.pooled {
			c.listener.pool.Put(b)
		}
		freed += r.outBytes
		r.out, r.pooled = nil, nil
	}
	c.active.Store(time.Now().UnixNano())
	c.mu.Lock()
	defer c.mu.Unlock()
	n := copy(c.queue, c.queue[len(batch):])
	clear(c.queue[n:])
	c.queue = c.queue[:n]
	c.bytes -= freed
	c.listener.budget.count(c, -freed)
	c.room.Signal()
}

// send writes the answers of a batch: with one writev on plaintext, in few
// large writes on TLS.
func (c *conn) send(batch []*Request) error {
	var out net.Buffers
	if len(batch) == 1 {
		out = batch[0].out
	} else {
		for _, r := range batch {
			out = append(out, r.out...)
		}
	}
	if len(out) == 0 {
		return nil
	}
	if limit := c.listener.cfg.IdleTimeout; limit > 0 {
		if err := c.sock.SetWriteDeadline(time.Now().Add(limit)); err != nil {
			return err
		}
	}
	if c.gather == nil {
		_, err := out.WriteTo(c.stream)
		return err
	}
	return c.gather.holding(func() error { return c.sendRecords(out) })
}

// sendRecords joins what is small, so that a header makes no TLS record of
// its own.
func (c *conn) sendRecords(out net.Buffers) error {
	pool := c.listener.pool
	small := pool.Get(recordSize)
	defer func() { pool.Put(small) }()
	for _, b := range out {
		if len(small)+len(b) > recordSize && len(small) > 0 {
			if _, err := c.stream.Write(small); err != nil {
				return err
			}
			small = small[:0]
		}
		if len(b) <= recordSize-len(small) {
			small = append(small, b...)
			continue
		}
		if _, err := c.stream.Write(b); err != nil {
			return err
		}
	}
	if len(small) == 0 {
		return nil
	}
	_, err := c.stream.Write(small)
	return err
}
