package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// DeleteTopics removes topics with their records and committed offsets.
//
// Behavior: DELETE on each topic, before it is looked up. An id whose topic the
// caller may not describe is answered as one that is nobody's.
//
// Versions: up to 5 topics are named, from 6 on by name or by id.
func deleteTopics(b *Broker, c *call, req *kmsg.DeleteTopicsRequest) kmsg.Response {
	resp := kmsg.NewPtrDeleteTopicsResponse()
	for _, name := range req.TopicNames {
		resp.Topics = append(resp.Topics, b.deleteNamed(c, name))
	}
	for _, t := range req.Topics {
		switch {
		case t.Topic != nil && t.TopicID != kafka.TopicID{}:
			out := kmsg.NewDeleteTopicsResponseTopic()
			out.Topic, out.TopicID, out.ErrorCode = t.Topic, t.TopicID, int16(kafka.ErrInvalidRequest)
			out.ErrorMessage = kmsg.StringPtr("a topic is named or given by id, not both")
			resp.Topics = append(resp.Topics, out)
		case t.Topic != nil:
			resp.Topics = append(resp.Topics, b.deleteNamed(c, *t.Topic))
		default:
			resp.Topics = append(resp.Topics, b.deleteByID(c, t.TopicID))
		}
	}
	return resp
}

func (b *Broker) deleteNamed(c *call, name string) kmsg.DeleteTopicsResponseTopic {
	out := kmsg.NewDeleteTopicsResponseTopic()
	out.Topic = &name
	if !c.allowed(kafka.Delete, kafka.Topic, name) {
		out.ErrorCode = int16(kafka.ErrTopicAuthorizationFailed)
		return out
	}
	b.deleteOpen(c, name, &out)
	return out
}

func (b *Broker) deleteByID(c *call, id kafka.TopicID) kmsg.DeleteTopicsResponseTopic {
	out := kmsg.NewDeleteTopicsResponseTopic()
	out.TopicID = id
	t, ok := c.image.TopicIDs[id]
	if !ok {
		out.ErrorCode = int16(kafka.ErrUnknownTopicID)
		return out
	}
	if c.sees(kafka.Describe, kafka.Topic, t.Name) {
		out.Topic = &t.Name
	}
	if !c.allowed(kafka.Delete, kafka.Topic, t.Name) {
		out.ErrorCode = int16(codeOf(c.refuses(t.Name, true)))
		return out
	}
	b.deleteOpen(c, t.Name, &out)
	return out
}

func (b *Broker) deleteOpen(c *call, name string, out *kmsg.DeleteTopicsResponseTopic) {
	b.changing.Lock()
	defer b.changing.Unlock()
	t, ok := b.meta.Image().Topics[name]
	switch {
	case !b.set.deleteTopics:
		out.ErrorCode = int16(kafka.ErrTopicDeletionDisabled)
		return
	case !ok:
		out.ErrorCode = int16(kafka.ErrUnknownTopicOrPartition)
		return
	case kafka.Internal(name):
		out.ErrorCode = int16(kafka.ErrInvalidTopicException)
		out.ErrorMessage = kmsg.StringPtr("the topic holds the broker's own state")
		return
	}
	out.TopicID = t.ID
	if err := b.deleteTopic(t); err != nil {
		b.log.Error("delete topic", "topic", name, "error", err)
		out.ErrorCode = int16(codeOf(err))
		return
	}
	b.log.Info("topic deleted", "topic", name, "by", c.peer.Name)
}
