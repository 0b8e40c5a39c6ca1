package mirror

import (
	"errors"
	"maps"

	"schloss/kafka"
	"schloss/kafka/batch"
)

// suspect is a range of the source that the target has refused, and what is
// tried with it next.
type suspect struct {
	from, to kafka.Offset // none if equal
	stage    stage
	bad      map[kafka.Offset]string // records that the target has named, and what it said
	alone    map[int32]bool          // partitions of the target, where records are dealt, that get each in a batch of its own, to find out which it is
}

// stage is how the batches of a suspect are sent. Each refusal leads to a later
// one, to records that go alone, or names one, which is left out from then on:
// that ends.
type stage int8

const (
	again    stage = iota // as they are, fetched anew: damage may have come on the way
	rebuilt               // decoded, without the records that are known to be bad
	withheld              // not at all
)

func (s *suspect) holds(h batch.Header) bool {
	return h.NextOffset() > s.from && h.BaseOffset < s.to
}

// doubt notes a refused batch and what is to be tried with it next; false when
// there is nothing left to try. strict forbids to give a whole batch up. Where
// records go to several partitions another one may refuse before the first is
// through: what is known of both counts for all.
func (p *partition) doubt(s *span, err error, strict bool) bool {
	next, known := p.suspect, s.offset >= p.suspect.from && s.offset < p.suspect.to
	switch {
	case next.from == next.to:
		next = suspect{from: s.offset, to: s.end(), bad: make(map[kafka.Offset]string), alone: make(map[int32]bool)}
	case !known || s.end() > next.to:
		next.from, next.to = min(next.from, s.offset), max(next.to, s.end())
	}
	next.bad, next.alone = maps.Clone(next.bad), maps.Clone(next.alone) // a response may be read by them right now
	var code kafka.ErrorCode
	var named *recordErrors
	switch errors.As(err, &code); {
	case code == kafka.ErrCorruptMessage && !known: // it is fetched again
	case code == kafka.ErrCorruptMessage && next.stage == again && !strict && s.raw: // what was rebuilt was whole before
		next.stage = withheld
	case !objectionable(code):
		return false
	case errors.As(err, &named) && next.name(s, named):
		next.stage = max(next.stage, rebuilt)
	case s.raw:
		next.stage = rebuilt
	case s.records > 1:
		next.stage = max(next.stage, rebuilt)
		next.alone[s.to] = true
	default:
		next.bad[s.offset] = err.Error()
	}
	p.suspect = next
	return true
}

// name notes the records that the target has named; false if it named none.
func (u *suspect) name(s *span, named *recordErrors) bool {
	known := len(u.bad)
	for _, r := range named.records {
		if r.BatchIndex >= 0 && r.BatchIndex < s.records {
			reason := r.Message
			if reason == "" {
				reason = named.Error()
			}
			u.bad[s.at(r.BatchIndex)] = reason
		}
	}
	return len(u.bad) > known
}

// objectionable says that the broker dislikes the batch itself: the next one
// may well pass.
func objectionable(code kafka.ErrorCode) bool {
	switch code {
	case kafka.ErrMessageTooLarge, kafka.ErrRecordListTooLarge, kafka.ErrInvalidRecord, kafka.ErrInvalidTimestamp,
		kafka.ErrUnsupportedCompressionType, kafka.ErrUnsupportedForMessageFormat:
		return true
	}
	return false
}
