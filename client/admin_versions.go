package client

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// at is where to send what one broker has to answer for itself. Over a single
// connection that is the broker at its other end.
func (a *Admin) at(node kafka.NodeID) kmsg.Requestor {
	if many, ok := a.to.(interface {
		Node(kafka.NodeID) kmsg.Requestor
	}); ok {
		return many.Node(node)
	}
	return a.to
}

// APIVersions are the versions in which a broker serves one API. Usable is the
// newest of them that we speak too, -1 for none.
type APIVersions struct {
	Key      int16
	Min, Max int16
	Usable   int16
}

// newestSpoken is the newest version of a request that we speak, -1 for none.
func newestSpoken(key int16) int16 {
	req := kmsg.RequestForKey(key)
	if req == nil {
		return -1
	}
	return req.MaxVersion()
}

// Feature is a feature of the cluster: the versions that a broker supports and,
// where Finalized, the level that the cluster has agreed on (KIP-584).
type Feature struct {
	Name      string
	Min, Max  int16
	Finalized bool
	Level     int16
}

// Versions asks one broker what it serves, ordered by key.
func (a *Admin) Versions(ctx context.Context, node kafka.NodeID) ([]APIVersions, []Feature, error) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "schloss", "unversioned"
	resp, err := ask[*kmsg.ApiVersionsResponse](ctx, a.at(node), req)
	if err != nil {
		return nil, nil, err
	}
	if err := (deed{"ask for the versions of a broker", kafka.Describe, kafka.Cluster}).err(resp.ErrorCode, nil, ""); err != nil {
		return nil, nil, err
	}
	apis := make([]APIVersions, 0, len(resp.ApiKeys))
	for _, k := range resp.ApiKeys {
		api := APIVersions{Key: k.ApiKey, Min: k.MinVersion, Max: k.MaxVersion, Usable: min(k.MaxVersion, newestSpoken(k.ApiKey))}
		if api.Usable < api.Min {
			api.Usable = -1
		}
		apis = append(apis, api)
	}
	sortBy(apis, func(v APIVersions) int16 { return v.Key })
	var features []Feature
	for _, s := range resp.SupportedFeatures {
		f := Feature{Name: s.Name, Min: s.MinVersion, Max: s.MaxVersion}
		for _, done := range resp.FinalizedFeatures {
			if done.Name == s.Name {
				f.Finalized, f.Level = true, done.MaxVersionLevel
			}
		}
		features = append(features, f)
	}
	sortBy(features, func(f Feature) string { return f.Name })
	return apis, features, nil
}
