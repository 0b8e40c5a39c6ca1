package client

import (
	"cmp"
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// QuotaEntity is one part of whom a quota is for. Type is user, client-id or
// ip; Name is nil for the default of all that have none of their own.
type QuotaEntity struct {
	Type string
	Name *string
}

// QuotaFilter selects quotas by one part of whom they are for: by its name
// where Name is set, else by the default, or by any name with Any.
type QuotaFilter struct {
	QuotaEntity
	Any bool
}

// Quotas are the limits of one entity.
type Quotas struct {
	Entity []QuotaEntity // ordered by type
	Values map[string]float64
}

// QuotaChange sets one limit, or with Remove takes it away.
type QuotaChange struct {
	Name   string
	Value  float64
	Remove bool
}

// DescribeQuotas describes the quotas of entities that have the parts selected,
// and no others.
func (a *Admin) DescribeQuotas(ctx context.Context, filters ...QuotaFilter) ([]Quotas, error) {
	req := kmsg.NewPtrDescribeClientQuotasRequest()
	req.Strict = true
	for _, f := range filters {
		c := kmsg.NewDescribeClientQuotasRequestComponent()
		c.EntityType, c.Match = f.Type, f.Name
		switch {
		case f.Any:
			c.MatchType = kmsg.QuotasMatchTypeAny
		case f.Name == nil:
			c.MatchType = kmsg.QuotasMatchTypeDefault
		default:
			c.MatchType = kmsg.QuotasMatchTypeExact
		}
		req.Components = append(req.Components, c)
	}
	resp, err := ask[*kmsg.DescribeClientQuotasResponse](ctx, a.to, req)
	if err != nil {
		return nil, err
	}
	if err := (deed{"describe quotas", kafka.DescribeConfigs, kafka.Cluster}).err(resp.ErrorCode, resp.ErrorMessage, ""); err != nil {
		return nil, err
	}
	quotas := make([]Quotas, 0, len(resp.Entries))
	for _, e := range resp.Entries {
		q := Quotas{Values: make(map[string]float64, len(e.Values))}
		for _, part := range e.Entity {
			q.Entity = append(q.Entity, QuotaEntity{part.Type, part.Name})
		}
		sortBy(q.Entity, func(e QuotaEntity) string { return e.Type })
		for _, v := range e.Values {
			q.Values[v.Key] = v.Value
		}
		quotas = append(quotas, q)
	}
	slices.SortFunc(quotas, func(a, b Quotas) int { return slices.CompareFunc(a.Entity, b.Entity, compareEntity) })
	return quotas, nil
}

// compareEntity orders defaults behind the names.
func compareEntity(a, b QuotaEntity) int {
	if c := cmp.Compare(a.Type, b.Type); c != 0 {
		return c
	}
	switch {
	case a.Name == nil && b.Name == nil:
		return 0
	case a.Name == nil:
		return 1
	case b.Name == nil:
		return -1
	}
	return cmp.Compare(*a.Name, *b.Name)
}

// AlterQuotas changes the limits of one entity.
func (a *Admin) AlterQuotas(ctx context.Context, entity []QuotaEntity, changes []QuotaChange) error {
	entry := kmsg.NewAlterClientQuotasRequestEntry()
	for _, part := range entity {
		e := kmsg.NewAlterClientQuotasRequestEntryEntity()
		e.Type, e.Name = part.Type, part.Name
		entry.Entity = append(entry.Entity, e)
	}
	for _, change := range changes {
		op := kmsg.NewAlterClientQuotasRequestEntryOp()
		op.Key, op.Value, op.Remove = change.Name, change.Value, change.Remove
		entry.Ops = append(entry.Ops, op)
	}
	req := kmsg.NewPtrAlterClientQuotasRequest()
	req.Entries = append(req.Entries, entry)
	resp, err := ask[*kmsg.AlterClientQuotasResponse](ctx, a.to, req)
	if err != nil {
		return err
	}
	if len(resp.Entries) != 1 {
		return errAnswers("AlterClientQuotas", len(resp.Entries), 1)
	}
	return deed{"alter quotas", kafka.AlterConfigs, kafka.Cluster}.err(resp.Entries[0].ErrorCode, resp.Entries[0].ErrorMessage, "")
}
