package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"schloss/client"
	"schloss/kafka"
)

var apiVersions = &tool{
	name:  "kafka-broker-api-versions",
	about: "This tool helps to retrieve broker version information.",
	usage: "--bootstrap-server HOST:PORT [--command-config FILE]",
	run:   runAPIVersions,
	flags: []flag{
		{name: "bootstrap-server", value: needsValue, arg: "HOST:PORT", doc: "Brokers to connect to, separated by commas."},
		{name: "command-config", value: needsValue, arg: "FILE", doc: "Properties of the connection, such as security.protocol and the ssl settings."},
	},
}

// clientAPIs are the requests that clients of Kafka 4.3 send brokers: one that a
// broker does not serve is told of (Kafka: ApiKeys.clientApis).
var clientAPIs = [][2]int16{{0, 3}, {8, 51}, {55, 55}, {57, 57}, {60, 61}, {64, 66}, {68, 69}, {71, 72}, {74, 81}, {83, 92}}

func runAPIVersions(ctx context.Context, s *session, o *options) error {
	if !o.has("bootstrap-server") {
		return usage(`Missing required argument "[bootstrap-server]"`).advised("add --bootstrap-server HOST:PORT")
	}
	c, err := s.openAdmin(ctx, o)
	if err != nil {
		return err
	}
	defer c.Close()
	admin := client.NewAdmin(c)
	cluster, err := admin.Cluster(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(cluster.Nodes, func(a, b client.Node) int { return int(a.ID - b.ID) })
	var failed error
	for _, node := range cluster.Nodes {
		apis, _, err := admin.Versions(ctx, node.ID)
		var text string
		if err != nil {
			failed = fmt.Errorf("ask broker %d for its versions: %w", node.ID, err)
			text = fmt.Sprintf("ERROR: %s\n", oneLine(err.Error()))
		} else {
			text = versionLines(apis)
		}
		rack := node.Rack
		if rack == "" {
			rack = "null"
		}
		// Metadata names no broker that is fenced.
		if _, err := fmt.Fprintf(s.Out, "%s:%d (id: %d rack: %s isFenced: false) -> %s", node.Host, node.Port, node.ID, rack, text); err != nil {
			return err
		}
	}
	return failed
}

// versionLines are the lines of one broker (Kafka: NodeApiVersions.toString).
func versionLines(apis []client.APIVersions) string {
	lines := map[int16]string{}
	for _, between := range clientAPIs {
		for key := between[0]; key <= between[1]; key++ {
			lines[key] = fmt.Sprintf("%s(%d): UNSUPPORTED", kafka.APIName(key), key)
		}
	}
	for _, api := range apis {
		name := kafka.APIName(api.Key)
		if name == "" {
			name = "UNKNOWN"
		}
		line := fmt.Sprintf("%s(%d): %d", name, api.Key, api.Min)
		if api.Max != api.Min {
			line += fmt.Sprintf(" to %d", api.Max)
		}
		switch {
		case api.Usable >= 0:
			line += fmt.Sprintf(" [usable: %d]", api.Usable)
		case name != "UNKNOWN":
			line += " [unusable: node too new]" // we speak the oldest of all
		}
		lines[api.Key] = line
	}
	keys := make([]int16, 0, len(lines))
	for key := range lines {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	ordered := make([]string, len(keys))
	for i, key := range keys {
		ordered[i] = "\t" + lines[key]
	}
	return "(\n" + strings.Join(ordered, ",\n") + "\n)\n"
}
