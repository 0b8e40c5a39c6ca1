package broker_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/internal/testkit"
	"schloss/kafka"
)

func TestDescribeLogDirs(t *testing.T) {
	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
	b := testkit.Start(t, testkit.Options{Properties: map[string]string{"log.dirs": first + "," + second}})
	c := rawConnect(t, b)
	createTopic(t, c, "t", nil)
	if got := codes(c.ask(t, partitionsRequest("t", 4), 3)); got[0] != kafka.NoError {
		t.Fatal(got)
	}
	one := build(t, nil, "v")
	c.ask(t, produceRequest("t", -1, one), 9)
	ask := func(topics []kmsg.DescribeLogDirsRequestTopic) []kmsg.DescribeLogDirsResponseDir {
		return c.ask(t, &kmsg.DescribeLogDirsRequest{Topics: topics}, 4).(*kmsg.DescribeLogDirsResponse).Dirs
	}
	sizes := func(dirs []kmsg.DescribeLogDirsResponseDir) map[int32]int64 {
		found := map[int32]int64{}
		for _, d := range dirs {
			for _, topic := range d.Topics {
				for _, p := range topic.Partitions {
					found[p.Partition] = p.Size
					if topic.Topic != "t" || p.OffsetLag != 0 || p.IsFuture {
						t.Errorf("%s shows %s %+v", d.Dir, topic.Topic, p)
					}
				}
			}
		}
		return found
	}
	dirs := ask(nil)
	if len(dirs) != 2 || dirs[0].Dir != first || dirs[1].Dir != second || dirs[0].TotalBytes <= 0 || dirs[0].UsableBytes <= 0 {
		t.Errorf("got %+v, want the two directories and their bytes", dirs)
	}
	if got := sizes(dirs); len(got) != 4 || got[0] != int64(len(one)) || got[1] != 0 {
		t.Errorf("sizes: got %v, want four, the first of %d bytes", got, len(one))
	}
	if got := sizes(ask([]kmsg.DescribeLogDirsRequestTopic{{Topic: "t", Partitions: []int32{2, 9}}, {Topic: "none", Partitions: []int32{0}}})); len(got) != 1 {
		t.Errorf("asked for one that is there, got %v", got)
	}
	if err := os.Rename(second, second+"-gone"); err != nil {
		t.Fatal(err)
	}
	dirs = ask(nil)
	if len(dirs) != 2 || dirs[0].ErrorCode != 0 || kafka.ErrorCode(dirs[1].ErrorCode) != kafka.ErrKafkaStorageError || len(dirs[1].Topics) != 0 {
		t.Errorf("a directory that is gone: got %+v", dirs)
	}
	if err := os.Rename(second+"-gone", second); err != nil {
		t.Fatal(err)
	}
}
