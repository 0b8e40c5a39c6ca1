package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"schloss/client"
	"schloss/kafka"
)

var logDirs = &tool{
	name:  "kafka-log-dirs",
	about: "This tool helps to query log directory usage on the specified brokers.",
	usage: "--bootstrap-server HOST:PORT [--command-config FILE] --describe [--broker-list ID,ID] [--topic-list TOPIC,TOPIC]",
	run:   runLogDirs,
	flags: []flag{
		{name: "bootstrap-server", value: needsValue, arg: "HOST:PORT", doc: "Brokers to connect to, separated by commas."},
		{name: "command-config", value: needsValue, arg: "FILE", doc: "Properties of the connection, such as security.protocol and the ssl settings."},
		{name: "describe", doc: "Print the log directories with their partitions as JSON."},
		{name: "topic-list", value: needsValue, arg: "TOPIC,...", doc: "Only these topics; all unless given."},
		{name: "broker-list", value: needsValue, arg: "ID,...", doc: "Only these brokers; all unless given."},
	},
}

// What is printed, its fields in the order of Kafka's tool.
type (
	brokersJSON struct {
		Brokers []brokerJSON `json:"brokers"`
		Version int          `json:"version"`
	}
	brokerJSON struct {
		Broker  kafka.NodeID `json:"broker"`
		LogDirs []logDirJSON `json:"logDirs"`
	}
	logDirJSON struct {
		Partitions []logPartitionJSON `json:"partitions"`
		Error      *string            `json:"error"`
		LogDir     string             `json:"logDir"`
	}
	logPartitionJSON struct {
		Partition string `json:"partition"`
		Size      int64  `json:"size"`
		OffsetLag int64  `json:"offsetLag"`
		IsFuture  bool   `json:"isFuture"`
	}
)

func runLogDirs(ctx context.Context, s *session, o *options) error {
	for _, required := range []string{"bootstrap-server", "describe"} {
		if !o.has(required) {
			return usage(`Missing required argument "[%s]"`, required).advised("add --" + required)
		}
	}
	asked, err := brokerList(o.get("broker-list"))
	if err != nil {
		return err
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
	var there []kafka.NodeID
	for _, n := range cluster.Nodes {
		there = append(there, n.ID)
	}
	slices.Sort(there)
	if len(asked) == 0 {
		asked = there
	}
	var strange []kafka.NodeID
	for _, id := range asked {
		if !slices.Contains(there, id) {
			strange = append(strange, id)
		}
	}
	if len(strange) > 0 {
		return usage("The given brokers do not exist from --broker-list: %s. Current existent brokers: %s", nodeList(strange), nodeList(there)).advised("leave --broker-list out for all")
	}
	if _, err := fmt.Fprintln(s.Out, "Querying brokers for log directories information"); err != nil {
		return err
	}
	found := brokersJSON{Version: 1, Brokers: []brokerJSON{}}
	wanted := topicList(o.get("topic-list"))
	for _, id := range asked {
		dirs, err := admin.LogDirs(ctx, id)
		if err != nil {
			return fmt.Errorf("broker %d: %w", id, err)
		}
		found.Brokers = append(found.Brokers, brokerJSON{id, logDirsJSON(dirs, wanted)})
	}
	text, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("print the log directories: %w", err)
	}
	_, err = fmt.Fprintf(s.Out, "Received log directory information from brokers %s\n%s\n", nodeList(asked), text)
	return err
}

// brokerList reads ids separated by commas; each counts once.
func brokerList(text string) ([]kafka.NodeID, error) {
	var ids []kafka.NodeID
	for _, word := range strings.Split(text, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		n, err := strconv.ParseInt(word, 10, 32)
		if err != nil {
			return nil, usage("For input string: %q: no broker id", word).advised("write it as --broker-list 0,1")
		}
		if !slices.Contains(ids, kafka.NodeID(n)) {
			ids = append(ids, kafka.NodeID(n))
		}
	}
	return ids, nil
}

// topicList selects topics by name, all where none is named.
func topicList(text string) func(string) bool {
	var names []string
	for _, name := range strings.Split(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return func(topic string) bool { return len(names) == 0 || slices.Contains(names, topic) }
}

func logDirsJSON(dirs []client.LogDir, wanted func(string) bool) []logDirJSON {
	out := make([]logDirJSON, 0, len(dirs))
	for _, dir := range dirs {
		one := logDirJSON{LogDir: dir.Path, Partitions: []logPartitionJSON{}}
		if dir.Err != nil {
			class, _, _ := strings.Cut(javaException(dir.Err), ":")
			one.Error = &class
		}
		for _, p := range dir.Partitions {
			if wanted(p.Topic) {
				one.Partitions = append(one.Partitions, logPartitionJSON{p.TopicPartition.String(), p.Size, p.Lag, p.Future})
			}
		}
		out = append(out, one)
	}
	return out
}
