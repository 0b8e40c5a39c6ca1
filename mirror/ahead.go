package mirror

import (
	"maps"

	"schloss/kafka"
)

// ahead is what the target has of a partition behind its position, where records
// are dealt to several partitions: one is far while another refuses. When the
// partition goes back it is not sent again.
type ahead struct {
	of   int32                  // partitions that the records were dealt to
	upTo map[int32]kafka.Offset // of each, all before that offset of the source is there
	end  kafka.Offset           // behind all of them
}

// clone is a copy that further acknowledgements do not reach.
func (a ahead) clone() ahead {
	a.upTo = maps.Clone(a.upTo)
	return a
}

// overtake notes that a span is in the target. Nothing is noted while spans wait
// that were dealt to another number of partitions: what went to one partition by
// the first says nothing of what goes there by the second.
func (p *partition) overtake(s *span) {
	if s.of == 0 || s.generation != p.generation || p.under[0].of != s.of {
		return
	}
	if p.ahead.of != s.of {
		p.ahead = ahead{of: s.of, upTo: make(map[int32]kafka.Offset)}
	}
	p.ahead.upTo[s.to] = max(p.ahead.upTo[s.to], s.end())
	p.ahead.end = max(p.ahead.end, s.end())
}
