package doctor

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/client"
	"schloss/kafka"
	"schloss/security/acl"
)

// clinic asks a cluster for rights. Nothing is changed by it.
type clinic struct {
	*examination
	server    *server
	client    *client.Client
	admin     *client.Admin
	principal string
}

// rights asks for what the tasks need.
func (e *examination) rights(ctx context.Context, s *server, advertised []Finding) []Finding {
	if len(e.Tasks) == 0 {
		return nil
	}
	reachable := false
	for _, f := range advertised {
		reachable = reachable || f.Status != Bad
	}
	if !reachable {
		return []Finding{warning("rights", s.addr, RightsUnknown, "not asked for: no broker can be reached by its advertised address", "mend that first")}
	}
	c, err := client.Open(ctx, client.Config{Values: e.Values, Bootstrap: []string{s.addr}, ClientID: "schloss doctor"})
	if err != nil {
		return []Finding{failed("rights", s.addr, err)}
	}
	defer c.Close()
	k := &clinic{examination: e, server: s, client: c, admin: client.NewAdmin(c), principal: e.whoWeAre(s.asked)}
	var found []Finding
	for _, t := range e.Tasks {
		switch t.Kind {
		case Produce:
			found = append(found, k.topic(ctx, t.Topic, true, kafka.Write)...)
		case Mirror:
			found = append(found, k.topic(ctx, t.Topic, true, kafka.Write, kafka.DescribeConfigs)...)
		case Consume:
			found = append(found, k.topic(ctx, t.Topic, false, kafka.Read)...)
			found = append(found, k.group(ctx, t.Group))
		case Admin:
			found = append(found, k.cluster(ctx, kafka.Describe, kafka.Create, kafka.Alter, kafka.DescribeConfigs, kafka.AlterConfigs)...)
		}
	}
	return found
}

// unknownRights is what an answer without rights holds.
const unknownRights = math.MinInt32

// judge compares what is needed with the bits of what is allowed.
func (k *clinic) judge(bits int32, t kafka.ResourceType, name string, needs ...kafka.Operation) []Finding {
	var found []Finding
	about := aboutResource(t, name)
	for _, op := range needs {
		switch {
		case bits == unknownRights:
			found = append(found, warning("rights", about, RightsUnknown, fmt.Sprintf("%s: the broker does not tell", op), "try it"))
		case bits&(1<<op) != 0:
			found = append(found, ok("rights", about, fmt.Sprintf("%s is allowed to %s", op, k.principal)))
		default:
			found = append(found, k.lacks(op, t, name))
		}
	}
	return found
}

func aboutResource(t kafka.ResourceType, name string) string {
	if t == kafka.Cluster {
		return "cluster"
	}
	return fmt.Sprintf("%s %s", t, name)
}

// lacks is a missing right, with the command that grants it.
func (k *clinic) lacks(op kafka.Operation, t kafka.ResourceType, name string) Finding {
	admin := ""
	if k.secure {
		admin = " --command-config ADMIN.properties"
	}
	grant := acl.Query{Principal: k.principal, Operation: op, ResourceType: t, Name: name}.Granting()
	return bad("rights", aboutResource(t, name), Denied, fmt.Sprintf("%s is not allowed to %s", op, k.principal),
		fmt.Sprintf("%s --bootstrap-server %s%s --add %s", k.Tool, k.server.addr, admin, grant.Flags()))
}

// topic asks for rights on a topic, for its making where that would be needed,
// and for its leaders.
func (k *clinic) topic(ctx context.Context, name string, mayMake bool, needs ...kafka.Operation) []Finding {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(name)
	req.Topics, req.IncludeTopicAuthorizedOperations = []kmsg.MetadataRequestTopic{t}, true
	about := aboutResource(kafka.Topic, name)
	resp, err := req.RequestWith(ctx, k.client)
	if err != nil {
		return []Finding{failed("rights", about, err)}
	}
	if len(resp.Topics) != 1 {
		return []Finding{bad("rights", about, NoMetadata, fmt.Sprintf("asked for one topic, the broker told of %d", len(resp.Topics)), "the broker's log names the reason")}
	}
	answer := resp.Topics[0]
	switch code := kafka.ErrorCode(answer.ErrorCode); code {
	case kafka.ErrTopicAuthorizationFailed:
		return k.judge(0, kafka.Topic, name, needs...) // whoever may do any of it may describe it
	case kafka.ErrUnknownTopicOrPartition:
		found := []Finding{warning("topic", about, NoTopic, "it is not there", fmt.Sprintf("kafka-topics --bootstrap-server %s --create --topic %s", k.server.addr, name))}
		if mayMake {
			found = append(found, k.making(ctx, name))
		}
		return found
	case kafka.NoError, kafka.ErrLeaderNotAvailable:
	default:
		return []Finding{failed("topic", about, &client.AnswerError{Doing: "describe topic", Name: name, Code: code})}
	}
	bits := answer.AuthorizedOperations
	if resp.Version < 8 {
		bits = unknownRights
	}
	return append(leaders(about, answer.Partitions), k.judge(bits, kafka.Topic, name, needs...)...)
}

// making asks whether the topic may be made, without making it.
func (k *clinic) making(ctx context.Context, name string) Finding {
	about := aboutResource(kafka.Topic, name)
	err := k.admin.CreateTopic(ctx, client.NewTopic{Name: name, Partitions: 1, ReplicationFactor: 1, ValidateOnly: true})
	var denied *client.DeniedError
	switch {
	case errors.As(err, &denied):
		return k.lacks(kafka.Create, kafka.Topic, name)
	case err != nil:
		f := failed("rights", about, err)
		f.Status, f.Code = Warn, RightsUnknown
		return f
	}
	return ok("rights", about, fmt.Sprintf("Create is allowed to %s", k.principal))
}

// leaders names the partitions that nobody leads.
func leaders(about string, partitions []kmsg.MetadataResponseTopicPartition) []Finding {
	if orphans := Leaderless(partitions); len(orphans) > 0 {
		return []Finding{bad("topic", about, NoLeader, fmt.Sprintf("no leader for %d of %s, the first is %d", len(orphans), plural(len(partitions), "partition"), orphans[0]), "start the broker that holds it: kafka-topics --describe names its replicas; its log tells what keeps it down")}
	}
	return []Finding{ok("topic", about, plural(len(partitions), "partition")+", each with a leader")}
}

// Leaderless are the partitions that nobody leads.
func Leaderless(partitions []kmsg.MetadataResponseTopicPartition) (orphans []int32) {
	for _, p := range partitions {
		if p.Leader < 0 || p.ErrorCode == int16(kafka.ErrLeaderNotAvailable) {
			orphans = append(orphans, p.Partition)
		}
	}
	return orphans
}

// group asks the group's coordinator what we may do with it.
func (k *clinic) group(ctx context.Context, name string) Finding {
	about := aboutResource(kafka.Group, name)
	bits, err := k.groupRights(ctx, name)
	if errors.Is(err, kafka.ErrGroupAuthorizationFailed) {
		bits, err = 0, nil // whoever may read it may describe it
	}
	if err != nil {
		f := failed("rights", about, err)
		f.Status, f.Code = Warn, RightsUnknown
		return f
	}
	return k.judge(bits, kafka.Group, name, kafka.Read)[0]
}

func (k *clinic) groupRights(ctx context.Context, name string) (int32, error) {
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKey, find.CoordinatorKeys = name, []string{name}
	found, err := find.RequestWith(ctx, k.client)
	if err != nil {
		return 0, err
	}
	node, code := found.NodeID, found.ErrorCode
	if len(found.Coordinators) == 1 {
		node, code = found.Coordinators[0].NodeID, found.Coordinators[0].ErrorCode
	}
	if code != 0 {
		return 0, kafka.ErrorCode(code)
	}
	if _, err := k.admin.Cluster(ctx); err != nil { // which tells the client where the nodes are
		return 0, err
	}
	conn, err := k.client.Dial(ctx, kafka.NodeID(node))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	req := groupsBeforeVersion6{kmsg.NewPtrDescribeGroupsRequest()}
	req.Groups, req.IncludeAuthorizedOperations = []string{name}, true
	raw, err := conn.Request(ctx, req)
	if err != nil {
		return 0, err
	}
	resp, typed := raw.(*kmsg.DescribeGroupsResponse)
	if !typed || len(resp.Groups) != 1 {
		return 0, fmt.Errorf("describe group %q: the broker did not answer for it", name)
	}
	if code := resp.Groups[0].ErrorCode; code != 0 {
		return 0, kafka.ErrorCode(code)
	}
	if resp.Version < 3 {
		return unknownRights, nil
	}
	return resp.Groups[0].AuthorizedOperations, nil
}

// groupsBeforeVersion6 keeps to versions that tell the rights on a group that
// does not exist yet; from 6 on that is an error.
type groupsBeforeVersion6 struct{ *kmsg.DescribeGroupsRequest }

// MaxVersion implements kmsg.Request.
func (groupsBeforeVersion6) MaxVersion() int16 { return 5 }

// cluster asks for rights on the cluster itself.
func (k *clinic) cluster(ctx context.Context, needs ...kafka.Operation) []Finding {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics, req.IncludeClusterAuthorizedOperations = []kmsg.MetadataRequestTopic{}, true
	conn, err := k.client.Dial(ctx, k.anyNode(ctx))
	if err != nil {
		return []Finding{failed("rights", "cluster", err)}
	}
	defer conn.Close()
	raw, err := conn.Request(ctx, metadataBeforeVersion11{req})
	if err != nil {
		return []Finding{failed("rights", "cluster", err)}
	}
	resp, typed := raw.(*kmsg.MetadataResponse)
	if !typed || resp.Version < 8 {
		return k.judge(unknownRights, kafka.Cluster, kafka.ClusterName, needs...)
	}
	return k.judge(resp.AuthorizedOperations, kafka.Cluster, kafka.ClusterName, needs...)
}

// anyNode is a broker that the client knows how to reach.
func (k *clinic) anyNode(ctx context.Context) kafka.NodeID {
	cluster, err := k.admin.Cluster(ctx)
	if err != nil || len(cluster.Nodes) == 0 {
		return -1 // the dial tells
	}
	return cluster.Nodes[0].ID
}

// metadataBeforeVersion11 keeps to versions that tell the rights on the
// cluster.
type metadataBeforeVersion11 struct{ *kmsg.MetadataRequest }

// MaxVersion implements kmsg.Request.
func (metadataBeforeVersion11) MaxVersion() int16 { return 10 }
