package client

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// LogDir is one folder of a broker with the partitions in it. Err is why it
// cannot be used. Total and Usable are its file system's bytes, -1 where the
// broker is too old to tell.
type LogDir struct {
	Path          string
	Partitions    []LogPartition
	Total, Usable int64
	Err           error
}

// LogPartition is a partition's log: its bytes, and how far it is behind.
// Future is one that is being moved here from another folder.
type LogPartition struct {
	kafka.TopicPartition
	Size, Lag int64
	Future    bool
}

// LogDirs describes the folders of one broker, ordered by path and partition.
func (a *Admin) LogDirs(ctx context.Context, node kafka.NodeID) ([]LogDir, error) {
	resp, err := ask[*kmsg.DescribeLogDirsResponse](ctx, a.at(node), kmsg.NewPtrDescribeLogDirsRequest())
	if err != nil {
		return nil, err
	}
	d := deed{"describe the log directories of a broker", kafka.Describe, kafka.Cluster}
	if err := d.err(resp.ErrorCode, nil, ""); err != nil {
		return nil, err
	}
	dirs := make([]LogDir, 0, len(resp.Dirs))
	for _, r := range resp.Dirs {
		dir := LogDir{Path: r.Dir, Total: -1, Usable: -1, Err: d.err(r.ErrorCode, nil, "")}
		if resp.Version >= 4 {
			dir.Total, dir.Usable = r.TotalBytes, r.UsableBytes
		}
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				dir.Partitions = append(dir.Partitions, LogPartition{kafka.TopicPartition{Topic: t.Topic, Partition: p.Partition}, p.Size, p.OffsetLag, p.IsFuture})
			}
		}
		sortPartitions(dir.Partitions, func(p LogPartition) kafka.TopicPartition { return p.TopicPartition })
		dirs = append(dirs, dir)
	}
	sortBy(dirs, func(d LogDir) string { return d.Path })
	return dirs, nil
}
