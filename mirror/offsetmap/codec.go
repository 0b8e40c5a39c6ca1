package offsetmap

import (
	"encoding/binary"
	"errors"
	"fmt"

	"schloss/kafka"
)

// The encoding: one byte of version, the number of segments, and for each the
// gaps to the end of the one before on both sides, both lengths with the
// coarse flag as the lowest bit of the first; all are unsigned varints. A
// segment of a dense topic takes about a dozen bytes.
const encodingVersion = 1

// errMap is the error for bytes that are no map.
var errMap = errors.New("bytes are no offset map")

// Append appends the encoding of m to dst.
func (m *Map) Append(dst []byte) []byte {
	dst = append(dst, encodingVersion)
	dst = binary.AppendUvarint(dst, uint64(len(m.segments)))
	var source, target kafka.Offset
	for i := range m.segments {
		s := &m.segments[i]
		length := uint64(s.SourceLength) << 1
		if s.Coarse {
			length |= 1
		}
		dst = binary.AppendUvarint(dst, uint64(s.Source-source))
		dst = binary.AppendUvarint(dst, uint64(s.Target-target))
		dst = binary.AppendUvarint(dst, length)
		if s.Coarse {
			dst = binary.AppendUvarint(dst, uint64(s.TargetLength))
		}
		source, target = s.sourceEnd(), s.targetEnd()
	}
	return dst
}

// Parse reads what Append wrote. It allocates in proportion to the bytes, not
// to what they claim.
func Parse(b []byte) (*Map, error) {
	if len(b) == 0 || b[0] != encodingVersion {
		return nil, fmt.Errorf("%w of version %d", errMap, encodingVersion)
	}
	r := reader{rest: b[1:]}
	count := r.number()
	const least = 3 // bytes of a segment
	if r.bad || count > int64(len(r.rest)/least) {
		return nil, fmt.Errorf("%w: too short for its %d segments", errMap, count)
	}
	m := &Map{segments: make([]Segment, 0, count)}
	var source, target kafka.Offset
	for range count {
		s := Segment{Source: r.after(source), Target: r.after(target)}
		length := r.number()
		s.SourceLength, s.Coarse = length>>1, length&1 != 0
		if s.TargetLength = s.SourceLength; s.Coarse {
			s.TargetLength = r.number()
		}
		source, target = r.end(s.Source, s.SourceLength), r.end(s.Target, s.TargetLength)
		if r.bad {
			return nil, fmt.Errorf("%w: segment %d is cut or not behind the one before", errMap, len(m.segments))
		}
		m.segments = append(m.segments, s)
	}
	if len(r.rest) > 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", errMap, len(r.rest))
	}
	return m, nil
}

// reader takes numbers; bad stays set from the first that is none.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) number() int64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || int64(v) < 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[n:]
	return int64(v)
}

// after is a gap behind offset.
func (r *reader) after(offset kafka.Offset) kafka.Offset {
	return r.sum(offset, r.number())
}

// end is the end of a run, which is not empty.
func (r *reader) end(first kafka.Offset, length int64) kafka.Offset {
	r.bad = r.bad || length == 0
	return r.sum(first, length)
}

func (r *reader) sum(offset kafka.Offset, n int64) kafka.Offset {
	sum := offset + kafka.Offset(n)
	r.bad = r.bad || sum < offset
	return sum
}
