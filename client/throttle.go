package client

import "time"

// Since these versions a broker that throttles answers at once, says for how
// long it will not read the connection, and wants silence for so long (KIP-219).
// Before, it held the answer back, and the time has passed when it is there.
const (
	silentFetch   int16 = 8
	silentProduce int16 = 6
)

// longestSilence bounds what a broker may ask for: no window of a quota is as
// long.
const longestSilence = 5 * time.Minute

// hush notes that the broker will not read for a while. What is under way is
// answered so much later.
func (c *Conn) hush(throttleMillis int32) {
	if throttleMillis <= 0 {
		return
	}
	d := min(time.Duration(throttleMillis)*time.Millisecond, longestSilence)
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := time.Now().Add(d); until.After(c.silent) {
		c.silent = until
	}
	for _, call := range c.queue {
		call.deadline = call.deadline.Add(d)
	}
	if n := len(c.queue); n > 0 {
		c.nc.SetReadDeadline(c.queue[0].deadline)
		c.nc.SetWriteDeadline(c.queue[n-1].deadline) // the last one may be half written
	}
}

// Silent is how much longer the broker wants to hear nothing from the
// connection, because of a quota. Who sends all the same waits for his answer so
// much longer.
func (c *Conn) Silent() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.silentLocked()
}

func (c *Conn) silentLocked() time.Duration { return max(0, time.Until(c.silent)) }
