package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// FindCoordinator tells which broker coordinates a group.
//
// Behavior: DESCRIBE on the group. The first group to be asked for makes
// __consumer_offsets.
//
// Versions: 1 names the type of the key, 4 takes several keys, 6 those of share
// groups, which are refused as Kafka does where it has none.
//
// Differs from Kafka: a transactional id gets
// TRANSACTIONAL_ID_AUTHORIZATION_FAILED with a sentence that says why: it is
// the code that Java, librdkafka and franz-go all take as final here.
func findCoordinator(b *Broker, c *call, req *kmsg.FindCoordinatorRequest) kmsg.Response {
	resp := kmsg.NewPtrFindCoordinatorResponse()
	if c.header.Version >= 4 {
		for _, key := range distinct(req.CoordinatorKeys, func(key *string) string { return *key }) {
			resp.Coordinators = append(resp.Coordinators, b.findOne(c, req.CoordinatorType, key))
		}
		return resp
	}
	one := b.findOne(c, req.CoordinatorType, req.CoordinatorKey)
	resp.ErrorCode, resp.ErrorMessage = one.ErrorCode, one.ErrorMessage
	resp.NodeID, resp.Host, resp.Port = one.NodeID, one.Host, one.Port
	return resp
}

func (b *Broker) findOne(c *call, kind int8, key string) kmsg.FindCoordinatorResponseCoordinator {
	const groupKey, transactionKey = 0, 1
	out := kmsg.NewFindCoordinatorResponseCoordinator()
	out.Key, out.NodeID, out.Port = key, -1, -1
	var err error
	switch {
	case kind == transactionKey:
		err = &faultError{kafka.ErrTransactionalIDAuthorizationFailed, "transactions are not served here, so no transactional id may be used"}
	case kind != groupKey:
		err = kafka.ErrInvalidRequest
	case !c.allowed(kafka.Describe, kafka.Group, key):
		err = kafka.ErrGroupAuthorizationFailed
	default:
		_, err = b.groups.shard(key)
	}
	if err != nil {
		out.ErrorCode, out.ErrorMessage = int16(codeOf(err)), messageOf(err)
		return out
	}
	at := b.endpoints[c.peer.Listener]
	out.NodeID, out.Host, out.Port = int32(b.node), at.Host, at.Port
	return out
}
