package cli

import (
	"context"
	"fmt"
	"strconv"

	"schloss/client"
)

var cluster = &tool{
	name:  "kafka-cluster",
	about: "The Kafka cluster tool: tells the cluster's id, and where its brokers are reached.",
	usage: "cluster-id|list-endpoints --bootstrap-server HOST:PORT [--command-config FILE] [--include-fenced-brokers]",
	run:   runCluster,
	words: true,
	flags: []flag{
		{name: "bootstrap-server", short: "b", value: needsValue, arg: "HOST:PORT", doc: "Brokers to connect to, separated by commas."},
		{name: "bootstrap-controller", short: "C", value: needsValue, refused: "controllers are not reached by themselves", insteadUse: "--bootstrap-server"},
		{name: "command-config", short: "c", value: needsValue, arg: "FILE", doc: "Properties of the connection, such as security.protocol and the ssl settings."},
		{name: "config", value: needsValue, arg: "FILE", insteadUse: "command-config", doc: "Up to Kafka 4.0."},
		{name: "include-fenced-brokers", doc: "With list-endpoints: also brokers that are registered and not in service."},
		{name: "id", short: "i", value: needsValue, arg: "ID", refused: notUnregistered},
	},
}

const notUnregistered = "it belongs to unregister, which takes a broker out of a quorum that this tool does not administer"

func runCluster(ctx context.Context, s *session, o *options) error {
	const choice = "(choose from 'cluster-id', 'unregister', 'list-endpoints')"
	if len(o.words) == 0 {
		return usage("too few arguments").advised("name what to do: cluster-id or list-endpoints")
	}
	if len(o.words) > 1 {
		return usage("unrecognized arguments: '%s'", o.words[1]).advised(o.stray)
	}
	switch o.words[0] {
	case "cluster-id", "list-endpoints":
	case "unregister":
		return usage("unregister is not served: it takes a broker out of a quorum that this tool does not administer").advised("use the kafka-cluster of that cluster's own release")
	default:
		return usage("invalid choice: '%s' %s", o.words[0], choice).advised("name what to do: cluster-id or list-endpoints")
	}
	if !o.has("bootstrap-server") {
		return usage("one of the arguments --bootstrap-server/-b --bootstrap-controller/-C is required").advised("add --bootstrap-server HOST:PORT")
	}
	if o.has("include-fenced-brokers") && o.words[0] != "list-endpoints" {
		return usage("unrecognized arguments: '--include-fenced-brokers'").advised("it belongs to list-endpoints")
	}
	file, _ := o.first("command-config", "config")
	c, err := s.openAdminAt(ctx, file, o.get("bootstrap-server"))
	if err != nil {
		return err
	}
	defer c.Close()
	admin := client.NewAdmin(c)
	if o.words[0] == "list-endpoints" {
		return s.listEndpoints(ctx, admin, o.has("include-fenced-brokers"))
	}
	told, err := admin.Cluster(ctx)
	if err != nil {
		return err
	}
	if told.ID == "" {
		_, err = fmt.Fprintln(s.Out, "No cluster ID found. The Kafka version is probably too old.")
	} else {
		_, err = fmt.Fprintf(s.Out, "Cluster ID: %s\n", told.ID)
	}
	return err
}

// listEndpoints prints a table whose columns are as wide as in Kafka's tool: the
// widest host and rack count, not their titles.
func (s *session) listEndpoints(ctx context.Context, admin *client.Admin, fenced bool) error {
	endpoints, err := admin.Endpoints(ctx, fenced)
	if err != nil {
		return err
	}
	host, rack := 0, 0
	for _, e := range endpoints {
		host, rack = max(host, len(e.Host)), max(rack, len(e.Rack))
	}
	if rack == 0 {
		rack = 10
	}
	table := (&columns{}).add(10, "ID").add(host, "HOST").add(10, "PORT").add(rack, "RACK").add(10, "STATE").add(15, "ENDPOINT_TYPE").head()
	for _, e := range endpoints {
		state, name := "unfenced", e.Rack
		if e.Fenced {
			state = "fenced"
		}
		if name == "" {
			name = "null"
		}
		table.row(strconv.Itoa(int(e.ID)), e.Host, strconv.Itoa(int(e.Port)), name, state, "broker")
	}
	return table.print(s.Out)
}
