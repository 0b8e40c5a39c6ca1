package client

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
	"schloss/security/acl"
)

var (
	describeACLs = deed{"list ACLs", kafka.Describe, kafka.Cluster}
	createACL    = deed{"create ACL", kafka.Alter, kafka.Cluster}
	deleteACLs   = deed{"delete ACLs", kafka.Alter, kafka.Cluster}
)

// ACLs lists the bindings that the filter selects, in the broker's order.
func (a *Admin) ACLs(ctx context.Context, f acl.Filter) ([]acl.Binding, error) {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType = kmsg.ACLResourceType(f.ResourceType)
	req.ResourceName = f.Name
	req.ResourcePatternType = kmsg.ACLResourcePatternType(f.Pattern)
	req.Principal = f.Principal
	req.Host = f.Host
	req.Operation = kmsg.ACLOperation(f.Operation)
	req.PermissionType = kmsg.ACLPermissionType(f.Permission)
	resp, err := ask[*kmsg.DescribeACLsResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	if err := describeACLs.err(resp.ErrorCode, resp.ErrorMessage, kafka.ClusterName); err != nil {
		return nil, err
	}
	var out []acl.Binding
	for _, r := range resp.Resources {
		for _, b := range r.ACLs {
			out = append(out, acl.Binding{
				ResourceType: kafka.ResourceType(r.ResourceType),
				Name:         r.ResourceName,
				Pattern:      kafka.PatternType(r.ResourcePatternType),
				Principal:    b.Principal,
				Host:         b.Host,
				Operation:    kafka.Operation(b.Operation),
				Permission:   kafka.Permission(b.PermissionType),
			})
		}
	}
	return out, nil
}

// CreateACLs creates bindings; the error of each is at its place, nil where it
// was created or was there before.
func (a *Admin) CreateACLs(ctx context.Context, bindings []acl.Binding) ([]error, error) {
	req := kmsg.NewPtrCreateACLsRequest()
	for _, b := range bindings {
		c := kmsg.NewCreateACLsRequestCreation()
		c.ResourceType = kmsg.ACLResourceType(b.ResourceType)
		c.ResourceName = b.Name
		c.ResourcePatternType = kmsg.ACLResourcePatternType(b.Pattern)
		c.Principal = b.Principal
		c.Host = b.Host
		c.Operation = kmsg.ACLOperation(b.Operation)
		c.PermissionType = kmsg.ACLPermissionType(b.Permission)
		req.Creations = append(req.Creations, c)
	}
	resp, err := ask[*kmsg.CreateACLsResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	if len(resp.Results) != len(bindings) {
		return nil, errAnswers("CreateAcls", len(resp.Results), len(bindings))
	}
	errs := make([]error, len(bindings))
	for i, r := range resp.Results {
		errs[i] = createACL.err(r.ErrorCode, r.ErrorMessage, kafka.ClusterName)
	}
	return errs, nil
}

// DeletedACLs is what one filter deleted. Err is what the broker said instead.
type DeletedACLs struct {
	Bindings []acl.Binding
	Err      error
}

// DeleteACLs deletes what the filters select; the answer to each is at its
// place.
func (a *Admin) DeleteACLs(ctx context.Context, filters []acl.Filter) ([]DeletedACLs, error) {
	req := kmsg.NewPtrDeleteACLsRequest()
	for _, f := range filters {
		d := kmsg.NewDeleteACLsRequestFilter()
		d.ResourceType = kmsg.ACLResourceType(f.ResourceType)
		d.ResourceName = f.Name
		d.ResourcePatternType = kmsg.ACLResourcePatternType(f.Pattern)
		d.Principal = f.Principal
		d.Host = f.Host
		d.Operation = kmsg.ACLOperation(f.Operation)
		d.PermissionType = kmsg.ACLPermissionType(f.Permission)
		req.Filters = append(req.Filters, d)
	}
	resp, err := ask[*kmsg.DeleteACLsResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	if len(resp.Results) != len(filters) {
		return nil, errAnswers("DeleteAcls", len(resp.Results), len(filters))
	}
	out := make([]DeletedACLs, len(filters))
	for i, r := range resp.Results {
		out[i].Err = deleteACLs.err(r.ErrorCode, r.ErrorMessage, kafka.ClusterName)
		for _, m := range r.MatchingACLs {
			if err := deleteACLs.err(m.ErrorCode, m.ErrorMessage, kafka.ClusterName); err != nil {
				out[i].Err = err
				continue
			}
			out[i].Bindings = append(out[i].Bindings, acl.Binding{
				ResourceType: kafka.ResourceType(m.ResourceType),
				Name:         m.ResourceName,
				Pattern:      kafka.PatternType(m.ResourcePatternType),
				Principal:    m.Principal,
				Host:         m.Host,
				Operation:    kafka.Operation(m.Operation),
				Permission:   kafka.Permission(m.PermissionType),
			})
		}
	}
	return out, nil
}
