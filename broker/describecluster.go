package broker

import (
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// DescribeCluster names the brokers.
//
// Behavior: open to whoever is connected, as in Kafka; the caller's rights on
// the cluster are told to those who may DESCRIBE it.
//
// Versions: 1 may ask for the controllers instead, which have no listener here;
// 2 for fenced brokers too, of which there are none.
func describeCluster(b *Broker, c *call, req *kmsg.DescribeClusterRequest) kmsg.Response {
	const brokers = 1
	resp := kmsg.NewPtrDescribeClusterResponse()
	resp.ClusterAuthorizedOperations = math.MinInt32
	resp.EndpointType = brokers
	if c.header.Version >= 1 && req.EndpointType != brokers {
		resp.ErrorCode = int16(kafka.ErrMismatchedEndpointType)
		resp.ErrorMessage = kmsg.StringPtr("this is an endpoint of brokers")
		return resp
	}
	at := b.endpoints[c.peer.Listener]
	resp.ClusterID, resp.ControllerID = c.image.ClusterID, int32(b.node)
	broker := kmsg.NewDescribeClusterResponseBroker()
	broker.NodeID, broker.Host, broker.Port, broker.Rack = int32(b.node), at.Host, at.Port, b.set.rack
	resp.Brokers = append(resp.Brokers, broker)
	if req.IncludeClusterAuthorizedOperations {
		resp.ClusterAuthorizedOperations = c.clusterOperations()
	}
	return resp
}
