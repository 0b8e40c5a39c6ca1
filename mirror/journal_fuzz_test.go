package mirror

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"

	"schloss/kafka"
	"schloss/mirror/offsetmap"
)

// FuzzJournal: a record of the journal is taken in or refused, and what was
// taken is written and read again the same.
func FuzzJournal(f *testing.F) {
	var m offsetmap.Map
	empty := base64.StdEncoding.EncodeToString(m.Append(nil))
	key := []byte(`{"mirror":"m","source":"s","topic":"t","partition":0}`)
	f.Add(key, []byte(fmt.Sprintf(`{"position":5,"epoch":1,"topicId":"AQAAAAAAAAAAAAAAAAAAAA","map":%q}`, empty)))
	f.Add(key, []byte(`{"position":-1,"map":"AA"}`))
	f.Add(key, []byte(`{"topicId":"A","map":""}`))
	f.Add([]byte(`{"mirror":"other"}`), []byte(`null`))
	f.Add([]byte(`null`), []byte(`[]`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		j := &journal{mirror: "m", source: "s", entries: make(map[kafka.TopicPartition]entry)}
		if err := j.take(key, value); err != nil {
			return
		}
		for tp, e := range j.entries {
			text, err := e.format()
			if err != nil {
				t.Fatal(err)
			}
			again, err := parseEntry(text)
			if err != nil || again.position != e.position || again.epoch != e.epoch || again.id != e.id || !slices.Equal(again.offsets.Segments(), e.offsets.Segments()) {
				t.Errorf("%v: %+v became %+v, %v", tp, e, again, err)
			}
		}
	})
}
