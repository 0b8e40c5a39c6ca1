package mirror

import (
	"testing"

	"schloss/kafka/batch"
)

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name   string
		batch  made
		limits Limits
		want   verdict
		reason HaltReason
	}{
		{"plain", made{records: 3}, Limits{}, pass, ""},
		{"every codec passes", made{records: 3, codec: batch.Zstd}, Limits{}, pass, ""},
		{"idempotent", made{records: 3, producer: 7}, Limits{}, pass, ""},
		{"transactional", made{records: 3, producer: 7, attributes: batch.TransactionalBit}, Limits{}, pass, ""},
		{"with a delete horizon", made{records: 3, attributes: batch.DeleteHorizonBit}, Limits{}, pass, ""},
		{"just small enough", made{records: 1}, Limits{MaxMessageBytes: 69}, pass, ""},
		{"too large", made{records: 1}, Limits{MaxMessageBytes: 68}, unpack, ""},
		{"a marker", made{marker: "commit", producer: 7}, Limits{}, skip, ""},
		{"emptied by compaction", made{span: 5}, Limits{}, skip, ""},
		{"thinned by compaction", made{records: 3, span: 5}, Limits{}, unpack, ""},
		{"broker's time to producer's time", made{records: 3, attributes: batch.LogAppendTimeBit}, Limits{}, unpack, ""},
		{"broker's time to broker's time", made{records: 3, attributes: batch.LogAppendTimeBit}, Limits{LogAppendTime: true}, pass, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := test.batch.build(t)
			got, reason, err := judge(b.Header(), test.limits)
			if got != test.want || reason != test.reason || (err != nil) != (got == halt) {
				t.Errorf("%d bytes: got %v, %q, %v, want %v, %q", len(b), got, reason, err, test.want, test.reason)
			}
		})
	}
}
