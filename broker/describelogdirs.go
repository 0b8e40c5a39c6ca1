package broker

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/store"
)

// DescribeLogDirs shows the data directories and what the logs in them take.
//
// Behavior: DESCRIBE on the cluster. A directory whose file system does not
// answer gets KAFKA_STORAGE_ERROR and no topics. Partitions that are asked for
// and not there are left out. There is one replica, so that nothing lags.
//
// Versions: 3 can say why it refuses, 4 brought the bytes of the file system, 5
// cordoned directories, of which there are none.
func describeLogDirs(b *Broker, c *call, req *kmsg.DescribeLogDirsRequest) kmsg.Response {
	resp := kmsg.NewPtrDescribeLogDirsResponse()
	if !c.allowedCluster(kafka.Describe) {
		resp.ErrorCode = int16(kafka.ErrClusterAuthorizationFailed)
		return resp
	}
	wanted := wantedLogs(req)
	for _, d := range b.logs.Directories() {
		resp.Dirs = append(resp.Dirs, b.logDir(d, wanted))
	}
	return resp
}

// wantedLogs are the partitions that a request names; nil stands for all.
func wantedLogs(req *kmsg.DescribeLogDirsRequest) map[kafka.TopicPartition]bool {
	if req.Topics == nil {
		return nil
	}
	wanted := make(map[kafka.TopicPartition]bool)
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			wanted[kafka.TopicPartition{Topic: t.Topic, Partition: p}] = true
		}
	}
	return wanted
}

func (b *Broker) logDir(d store.Directory, wanted map[kafka.TopicPartition]bool) kmsg.DescribeLogDirsResponseDir {
	out := kmsg.NewDescribeLogDirsResponseDir()
	out.Dir = d.Path
	if absolute, err := filepath.Abs(d.Path); err == nil { // else the path as it was given says enough
		out.Dir = absolute
	}
	if d.Err != nil {
		b.log.Error("describe data directory", "directory", d.Path, "error", d.Err)
		out.ErrorCode = int16(kafka.ErrKafkaStorageError)
		return out
	}
	out.TotalBytes, out.UsableBytes = d.Total, d.Usable
	for _, tp := range slices.SortedFunc(maps.Keys(d.Sizes), byTopic) {
		if wanted != nil && !wanted[tp] {
			continue
		}
		if n := len(out.Topics); n == 0 || out.Topics[n-1].Topic != tp.Topic {
			t := kmsg.NewDescribeLogDirsResponseDirTopic()
			t.Topic = tp.Topic
			out.Topics = append(out.Topics, t)
		}
		p := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
		p.Partition, p.Size = tp.Partition, d.Sizes[tp]
		last := &out.Topics[len(out.Topics)-1]
		last.Partitions = append(last.Partitions, p)
	}
	return out
}

func byTopic(a, b kafka.TopicPartition) int {
	if n := strings.Compare(a.Topic, b.Topic); n != 0 {
		return n
	}
	return int(a.Partition) - int(b.Partition)
}
