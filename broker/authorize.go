package broker

import (
	"schloss/kafka"
	"schloss/security/acl"
	"schloss/security/audit"
)

// allowed says whether the caller may do op on a resource. A denial is written
// to the audit log.
func (c *call) allowed(op kafka.Operation, t kafka.ResourceType, name string) bool {
	d := c.decide(op, t, name)
	if !d.Allowed {
		c.denied(op, t, name, d)
	}
	return d.Allowed
}

// sees is allowed without a line in the audit log: for lists that show only
// what the caller may see, and for the first of two rights of which either is
// enough.
func (c *call) sees(op kafka.Operation, t kafka.ResourceType, name string) bool {
	return c.decide(op, t, name).Allowed
}

// refuses is the answer about a topic to who is denied. An id that the caller
// did not get from us, since it may not describe the topic, is answered as one
// that is nobody's.
//
// Differs from Kafka: there TOPIC_AUTHORIZATION_FAILED tells that an id exists.
func (c *call) refuses(name string, byID bool) error {
	if byID && !c.sees(kafka.Describe, kafka.Topic, name) {
		return kafka.ErrUnknownTopicID
	}
	return kafka.ErrTopicAuthorizationFailed
}

// mayTopic is the name of the topic that a request gives by name or by id, and
// why the caller may not do op on it. It does not tell whether there is a topic
// of that name.
func (c *call) mayTopic(op kafka.Operation, name string, id kafka.TopicID, byID bool) (string, error) {
	if byID {
		t := c.b.topics.withID(id)
		if t == nil {
			return "", kafka.ErrUnknownTopicID
		}
		name = t.name
	}
	if !c.allowed(op, kafka.Topic, name) {
		return name, c.refuses(name, byID)
	}
	return name, nil
}

// allowedCluster is allowed for the cluster itself.
func (c *call) allowedCluster(op kafka.Operation) bool {
	return c.allowed(op, kafka.Cluster, kafka.ClusterName)
}

// allowedAnyTopic says whether the caller may do op on at least one topic
// (KIP-679).
func (c *call) allowedAnyTopic(op kafka.Operation) acl.Decision {
	if c.b.authorizer == nil {
		return acl.Decision{Allowed: true}
	}
	return c.b.authorizer.AuthorizeByType(c.image.ACLs, c.peer.Name, c.peer.Host, op, kafka.Topic)
}

func (c *call) decide(op kafka.Operation, t kafka.ResourceType, name string) acl.Decision {
	if c.peer.Local { // the API table has left it nothing but the ACLs
		return acl.Decision{Allowed: true, Reason: acl.SuperUser}
	}
	if c.b.authorizer == nil {
		return acl.Decision{Allowed: true}
	}
	return c.b.authorizer.Authorize(c.image.ACLs, acl.Query{
		Principal: c.peer.Name, Host: c.peer.Host, Operation: op, ResourceType: t, Name: name,
	})
}

func (c *call) denied(op kafka.Operation, t kafka.ResourceType, name string, d acl.Decision) {
	c.b.audit.Denied(audit.Record{
		Principal: c.peer.Name, Host: c.peer.Host, API: c.api.name,
		Operation: op, ResourceType: t, Resource: name, Decision: d, Rules: c.image.ACLs,
	})
}

// operations is the bit field of what the caller may do on a resource.
func (c *call) operations(t kafka.ResourceType, name string) int32 {
	if c.b.authorizer == nil {
		var bits int32
		for _, op := range acl.Operations(t) {
			bits |= 1 << op
		}
		return bits
	}
	return c.b.authorizer.AuthorizedOperations(c.image.ACLs, acl.Query{
		Principal: c.peer.Name, Host: c.peer.Host, ResourceType: t, Name: name,
	})
}
