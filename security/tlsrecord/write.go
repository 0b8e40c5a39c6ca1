package tlsrecord

import (
	"encoding/binary"
	"net"
	"slices"
)

// recordsPerKey is after how many records new keys are used: AES-GCM is safe
// for some 2^24.5 full ones (RFC 8446, 5.5), 380 GB.
const recordsPerKey = 1 << 24

// Write writes all of b.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.write(net.Buffers{b}, false)
	return int(n), err
}

// WriteBuffers writes all buffers, one behind the other, and returns how many
// bytes of them have certainly left. An error ends the connection: half a
// record may be on the wire. While it runs the buffers are its own: it changes
// bytes of them, and changes them back.
func (c *Conn) WriteBuffers(bufs net.Buffers) (n int64, err error) { return c.write(bufs, true) }

func (c *Conn) write(bufs net.Buffers, own bool) (n int64, err error) {
	out := &c.out
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.err != nil {
		return 0, out.err
	}
	if c.updateAsked.Swap(false) || out.keys.seq >= recordsPerKey {
		if err := out.update(); err != nil {
			out.err = err
			return 0, err
		}
	}
	var all int64
	for _, b := range bufs {
		all += int64(len(b))
	}
	if all == 0 {
		return 0, nil
	}
	out.room(all)
	start, taken := -1, int64(0) // of the record that is being filled; -1: none
	for _, b := range bufs {
		for len(b) > 0 {
			if start < 0 {
				if cap(out.wire)-len(out.wire) < largestRecord {
					if err := c.flushLocked(); err != nil {
						return n, err
					}
					n = taken
				}
				if own && len(b) > maxPlaintext {
					out.sealFrom(b)
					b = b[maxPlaintext:]
					taken += maxPlaintext
					continue
				}
				start = out.begin(len(out.wire))
			}
			part := b[:min(len(b), maxPlaintext-out.plaintext(start))]
			out.wire = append(out.wire, part...)
			b = b[len(part):]
			taken += int64(len(part))
			if out.plaintext(start) == maxPlaintext {
				out.seal(start, applicationRecord)
				start = -1
			}
		}
	}
	if start >= 0 {
		out.seal(start, applicationRecord)
	}
	if err := c.flushLocked(); err != nil {
		return n, err
	}
	return all, nil
}

// room makes wire large enough for so many bytes, or for what leaves at once.
func (out *output) room(bytes int64) {
	records := (bytes + maxPlaintext - 1) / maxPlaintext
	need := min(bytes+records*overhead, atOnce) + 2*largestRecord // one for an update of keys, or a rest
	if int64(cap(out.wire)) < need {
		out.wire = append(make([]byte, 0, need), out.wire...)
	}
}

// begin begins a record at an offset of wire, which is its end.
func (out *output) begin(start int) int {
	out.wire = append(out.wire[:start], applicationRecord, 3, 3, 0, 0)
	return start
}

// plaintext is how much is in the record that was begun.
func (out *output) plaintext(start int) int { return len(out.wire) - start - headerSize }

// seal ends the record that was begun.
func (out *output) seal(start int, kind byte) {
	out.wire = slices.Grow(append(out.wire, kind), tagSize)
	record := out.wire[start:]
	inner := record[headerSize:]
	binary.BigEndian.PutUint16(record[3:], uint16(len(inner)+tagSize))
	sealed := out.keys.aead.Seal(inner[:0], out.keys.next(), inner, record[:headerSize])
	out.wire = out.wire[:start+headerSize+len(sealed)]
}

// sealFrom seals a full record straight from b, which is longer: the byte behind
// the record's is its type meanwhile.
func (out *output) sealFrom(b []byte) {
	start := out.begin(len(out.wire))
	header := out.wire[start:]
	binary.BigEndian.PutUint16(header[3:], maxPlaintext+1+tagSize)
	kept := b[maxPlaintext]
	b[maxPlaintext] = applicationRecord
	out.wire = out.keys.aead.Seal(out.wire, out.keys.next(), b[:maxPlaintext+1], header)
	b[maxPlaintext] = kept
}

// update tells the peer of new keys, and uses them from here on.
func (out *output) update() error {
	out.room(0)
	start := out.begin(len(out.wire))
	out.wire = append(out.wire, keyUpdate, 0, 0, 1, 0) // the peer's own may stay
	out.seal(start, handshakeRecord)
	return out.keys.update()
}

// flushLocked writes what is sealed.
func (c *Conn) flushLocked() error {
	_, err := c.Conn.Write(c.out.wire)
	c.out.wire = c.out.wire[:0]
	if err != nil {
		c.out.err = err
	}
	return err
}
