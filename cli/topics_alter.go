package cli

import (
	"context"

	"schloss/client"
	"schloss/kafka"
)

// checkAlteredTopic refuses what makes no sense with --alter.
func checkAlteredTopic(o *options) error {
	switch {
	case !o.has("alter"):
		return nil
	case o.has("config"):
		return usage(`Option combination "[[bootstrap-server], [config]]" can't be used with option "[alter]" (To alter topic configurations, the kafka-configs tool can be used.)`).
			advised("kafka-configs --bootstrap-server HOST:PORT --alter --topic " + quoted(o.get("topic")) + " --add-config " + quoted(o.get("config")))
	case o.has("replication-factor"):
		return usage(`Option "[replication-factor]" can't be used with option "[alter]"`).advised("place replicas of new partitions with --replica-assignment; those of old ones cannot be moved by this tool")
	case o.has("if-not-exists"):
		return usage(`Option "[if-not-exists]" can't be used with option "[alter]"`).advised("--if-exists makes a missing topic no error")
	case !o.has("partitions"):
		return usage(`Missing required argument "[partitions]"`).advised("add --partitions N, how many there are to be")
	}
	return nil
}

// alter gives each selected topic more partitions. One that cannot have them
// does not keep the others from it.
func (r *topicRun) alter(ctx context.Context) error {
	selected, err := r.selected(ctx)
	if err != nil {
		return err
	}
	assignment, err := parseAssignment(r.get("replica-assignment"))
	if err != nil {
		return err
	}
	errs := make([]error, 0, len(selected))
	for _, t := range selected {
		more := client.NewPartitions{Topic: t.Name, Count: int32(r.integer("partitions"))}
		if assignment != nil { // of all partitions; those that are there stay where they are
			more.Assignment = append([][]kafka.NodeID{}, assignment[min(len(t.Partitions), len(assignment)):]...)
		}
		errs = append(errs, r.admin.CreatePartitions(ctx, more))
	}
	return firstOf(errs)
}
