package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/security/acl"
	"schloss/store"
)

// DescribeAcls, CreateAcls and DeleteAcls look at and change the access rules.
//
// Behavior: DESCRIBE on the cluster to look, ALTER to change. A change is
// durable before it is answered and counts from the next request on. Without
// authorizer.class.name the answer is SECURITY_DISABLED, but on the Unix
// socket, where the rules can be made before they are switched on.
//
// Versions: 1 brought prefixed patterns.

var errNoAuthorizer = &faultError{kafka.ErrSecurityDisabled, "No Authorizer is configured on the broker"}

func (c *call) mayACLs(op kafka.Operation) error {
	switch {
	case !c.allowedCluster(op):
		return kafka.ErrClusterAuthorizationFailed
	case c.b.authorizer == nil && !c.peer.Local:
		return errNoAuthorizer
	}
	return nil
}

func describeACLs(_ *Broker, c *call, req *kmsg.DescribeACLsRequest) kmsg.Response {
	resp := kmsg.NewPtrDescribeACLsResponse()
	filter := acl.Filter{
		ResourceType: kafka.ResourceType(req.ResourceType), Name: req.ResourceName, Pattern: kafka.PatternType(req.ResourcePatternType),
		Principal: req.Principal, Host: req.Host, Operation: kafka.Operation(req.Operation), Permission: kafka.Permission(req.PermissionType),
	}
	err := c.mayACLs(kafka.Describe)
	if err == nil {
		err = invalid(acl.CheckFilter(filter))
	}
	if err != nil {
		resp.ErrorCode, resp.ErrorMessage = int16(codeOf(err)), messageOf(err)
		return resp
	}
	var last acl.Resource
	for _, b := range c.image.ACLs.Match(filter) { // ordered by resource
		if len(resp.Resources) == 0 || b.Resource() != last {
			last = b.Resource()
			out := kmsg.NewDescribeACLsResponseResource()
			out.ResourceType, out.ResourceName = kmsg.ACLResourceType(b.ResourceType), b.Name
			out.ResourcePatternType = kmsg.ACLResourcePatternType(b.Pattern)
			resp.Resources = append(resp.Resources, out)
		}
		out := &resp.Resources[len(resp.Resources)-1]
		out.ACLs = append(out.ACLs, kmsg.DescribeACLsResponseResourceACL{
			Principal: b.Principal, Host: b.Host, Operation: kmsg.ACLOperation(b.Operation), PermissionType: kmsg.ACLPermissionType(b.Permission),
		})
	}
	return resp
}

func createACLs(b *Broker, c *call, req *kmsg.CreateACLsRequest) kmsg.Response {
	resp := kmsg.NewPtrCreateACLsResponse()
	refusal := c.mayACLs(kafka.Alter)
	var add []acl.Binding
	for _, in := range req.Creations {
		binding := acl.Binding{
			ResourceType: kafka.ResourceType(in.ResourceType), Name: in.ResourceName, Pattern: kafka.PatternType(in.ResourcePatternType),
			Principal: in.Principal, Host: in.Host, Operation: kafka.Operation(in.Operation), Permission: kafka.Permission(in.PermissionType),
		}
		out := kmsg.NewCreateACLsResponseResult()
		err := refusal
		if err == nil {
			err = invalid(acl.CheckCreate(binding))
		}
		if err == nil {
			add = append(add, binding)
		}
		out.ErrorCode, out.ErrorMessage = int16(codeOf(err)), messageOf(err)
		resp.Results = append(resp.Results, out)
	}
	if len(add) == 0 {
		return resp
	}
	if err := b.meta.Commit(store.AddBindings{Bindings: add}); err != nil {
		b.log.Error("store ACLs", "error", err)
		for i := range resp.Results {
			if resp.Results[i].ErrorCode == 0 {
				resp.Results[i].ErrorCode = int16(codeOf(err))
			}
		}
		return resp
	}
	for _, binding := range add {
		b.log.Info("ACL added", "acl", binding.String(), "by", c.peer.Name, "host", c.peer.Host)
	}
	return resp
}

func deleteACLs(b *Broker, c *call, req *kmsg.DeleteACLsRequest) kmsg.Response {
	resp := kmsg.NewPtrDeleteACLsResponse()
	refusal := c.mayACLs(kafka.Alter)
	b.changing.Lock() // what is answered as deleted is what was there
	defer b.changing.Unlock()
	rules := b.meta.Image().ACLs
	var remove []acl.Binding
	for _, in := range req.Filters {
		filter := acl.Filter{
			ResourceType: kafka.ResourceType(in.ResourceType), Name: in.ResourceName, Pattern: kafka.PatternType(in.ResourcePatternType),
			Principal: in.Principal, Host: in.Host, Operation: kafka.Operation(in.Operation), Permission: kafka.Permission(in.PermissionType),
		}
		out := kmsg.NewDeleteACLsResponseResult()
		err := refusal
		if err == nil {
			err = invalid(acl.CheckFilter(filter))
		}
		out.ErrorCode, out.ErrorMessage = int16(codeOf(err)), messageOf(err)
		if err == nil {
			matching := rules.Match(filter)
			remove = append(remove, matching...)
			for _, binding := range matching {
				out.MatchingACLs = append(out.MatchingACLs, deletedACL(binding))
			}
		}
		resp.Results = append(resp.Results, out)
	}
	if len(remove) == 0 {
		return resp
	}
	if err := b.meta.Commit(store.RemoveBindings{Bindings: remove}); err != nil {
		b.log.Error("store ACLs", "error", err)
		for i := range resp.Results {
			resp.Results[i] = kmsg.DeleteACLsResponseResult{ErrorCode: int16(codeOf(err))}
		}
		return resp
	}
	for _, binding := range remove {
		b.log.Info("ACL removed", "acl", binding.String(), "by", c.peer.Name, "host", c.peer.Host)
	}
	return resp
}

func deletedACL(b acl.Binding) kmsg.DeleteACLsResponseResultMatchingACL {
	out := kmsg.NewDeleteACLsResponseResultMatchingACL()
	out.ResourceType, out.ResourceName = kmsg.ACLResourceType(b.ResourceType), b.Name
	out.ResourcePatternType = kmsg.ACLResourcePatternType(b.Pattern)
	out.Principal, out.Host = b.Principal, b.Host
	out.Operation, out.PermissionType = kmsg.ACLOperation(b.Operation), kmsg.ACLPermissionType(b.Permission)
	return out
}

// invalid makes a refusal of the acl package one of the protocol.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	return &faultError{kafka.ErrInvalidRequest, err.Error()}
}
