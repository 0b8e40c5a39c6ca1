package broker

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker/group"
	"schloss/kafka"
)

// ListGroups names the groups.
//
// Behavior: DESCRIBE on the cluster shows all, else those that the caller may
// DESCRIBE; never an error for want of rights.
//
// Versions: 4 selects by state, 5 by type: every group here is classic.
func listGroups(b *Broker, c *call, req *kmsg.ListGroupsRequest) kmsg.Response {
	resp := kmsg.NewPtrListGroupsResponse()
	everything := c.sees(kafka.Describe, kafka.Cluster, kafka.ClusterName)
	if !selects(req.TypesFilter, "classic") {
		return resp
	}
	for _, s := range b.groups.all() {
		var listed []group.Listing
		err := s.look(func(coord *group.Coordinator) { listed = coord.List() })
		if codeOf(err) == kafka.ErrCoordinatorLoadInProgress { // one that is not served is passed over
			resp.ErrorCode = int16(kafka.ErrCoordinatorLoadInProgress)
		}
		for _, g := range listed {
			if !everything && !c.sees(kafka.Describe, kafka.Group, g.Group) || !selects(req.StatesFilter, g.State.String()) {
				continue
			}
			out := kmsg.NewListGroupsResponseGroup()
			out.Group, out.ProtocolType, out.GroupState, out.GroupType = g.Group, g.ProtocolType, g.State.String(), "classic"
			resp.Groups = append(resp.Groups, out)
		}
	}
	slices.SortFunc(resp.Groups, func(a, b kmsg.ListGroupsResponseGroup) int { return strings.Compare(a.Group, b.Group) })
	return resp
}

// selects says whether a filter lets a word through; an empty one does always.
func selects(filter []string, word string) bool {
	return len(filter) == 0 || slices.ContainsFunc(filter, func(f string) bool { return strings.EqualFold(f, word) })
}
