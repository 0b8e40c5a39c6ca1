package mirror

import (
	"slices"
	"testing"
)

func TestADealerThatIsClosed(t *testing.T) {
	f := &shelf{}
	d := &dealer{target: f, topic: "t", to: make(map[int32]Appender)}
	var log []string
	give := func(name string, partition int32) {
		d.Append([]Copy{&note{name: name, batch: made{records: 1}.build(t), log: &log, partition: partition}})
	}
	give("a", 0)
	d.Close(t.Context())
	give("b", 0)
	give("c", 1)
	if len(f.copies) != 2 || !slices.Equal(log, []string{"c:closed"}) || f.opened != 1 {
		t.Errorf("%d were sent, told %v, opened %d times, want that nothing is opened any more", len(f.copies), log, f.opened)
	}
}
