package client

import (
	"context"
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// Rights are the operations that a broker allows the caller on a resource, a
// bit for each (KIP-430).
type Rights int32

// UnknownRights are those that a broker before 2.3 does not tell.
const UnknownRights Rights = math.MinInt32

// Lacks says whether the operation is known not to be allowed.
func (r Rights) Lacks(op kafka.Operation) bool { return r != UnknownRights && r&(1<<op) == 0 }

// TopicRights are the rights on one topic. Err is what the broker said instead:
// who may do nothing with a topic may not know that it is there.
type TopicRights struct {
	Partitions int32
	Rights     Rights
	Err        error
}

// TopicRights asks what the caller may do with topics.
func (a *Admin) TopicRights(ctx context.Context, names ...string) (map[string]TopicRights, error) {
	if len(names) == 0 {
		return nil, nil
	}
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation, req.IncludeTopicAuthorizedOperations = false, true
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	resp, err := ask[*kmsg.MetadataResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	rights := make(map[string]TopicRights, len(resp.Topics))
	for i := range resp.Topics {
		t := topicInfo(&resp.Topics[i])
		r := TopicRights{Partitions: int32(len(t.Partitions)), Rights: Rights(resp.Topics[i].AuthorizedOperations), Err: t.Err}
		if resp.Version < 8 {
			r.Rights = UnknownRights
		}
		rights[t.Name] = r
	}
	return rights, nil
}
