package broker

import (
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/broker/group"
	"schloss/kafka"
)

// DeleteGroups removes groups without members, with all their positions
// (KIP-229).
//
// Behavior: DELETE on each group, before it is looked up. The answer waits
// until all of them are durably gone.
func deleteGroups(b *Broker, c *call, req *kmsg.DeleteGroupsRequest) kmsg.Response {
	resp := kmsg.NewPtrDeleteGroupsResponse()
	names := distinct(req.Groups, func(name *string) string { return *name })
	resp.Groups = make([]kmsg.DeleteGroupsResponseGroup, len(names))
	var open atomic.Int64 // those that still hold the answer back, and this function
	open.Store(int64(len(names)) + 1)
	done := func(out *kmsg.DeleteGroupsResponseGroup, code kafka.ErrorCode) {
		out.ErrorCode = int16(code)
		if open.Add(-1) == 0 {
			c.respond(resp)
		}
	}
	for i, name := range names {
		out := &resp.Groups[i]
		out.Group = name
		if !c.allowed(kafka.Delete, kafka.Group, name) {
			done(out, kafka.ErrGroupAuthorizationFailed)
			continue
		}
		err := b.coordinate(name, func(coord *group.Coordinator, now time.Time) group.Effects {
			return coord.Delete(now, name, func(code kafka.ErrorCode) { done(out, code) })
		})
		if err != nil {
			done(out, codeOf(err))
		}
	}
	if open.Add(-1) == 0 {
		return resp
	}
	return nil
}
