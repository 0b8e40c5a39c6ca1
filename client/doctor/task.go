package doctor

import (
	"fmt"
	"strings"
)

// Task is what somebody wants to do, whose rights are asked for.
type Task struct {
	Kind  string // produce, consume, mirror or admin
	Topic string
	Group string
}

// The kinds of tasks, as they are written.
const (
	Produce = "produce" // produce:TOPIC
	Consume = "consume" // consume:TOPIC:GROUP, which is the source's side of a mirror too
	Mirror  = "mirror"  // mirror:TOPIC, the target's side of a mirror
	Admin   = "admin"
)

// Forms are how tasks are written.
const Forms = "produce:TOPIC, consume:TOPIC:GROUP, mirror:TOPIC or admin"

// ParseTask reads one of the Forms.
func ParseTask(text string) (Task, error) {
	kind, rest, _ := strings.Cut(text, ":")
	task := Task{Kind: kind, Topic: rest}
	switch kind {
	case Produce, Mirror:
		if rest != "" && !strings.Contains(rest, ":") {
			return task, nil
		}
	case Consume:
		if task.Topic, task.Group, _ = strings.Cut(rest, ":"); task.Topic != "" && task.Group != "" {
			return task, nil // a group's name may hold colons
		}
	case Admin:
		if rest == "" {
			return task, nil
		}
	}
	return Task{}, fmt.Errorf("task %q: want %s", text, Forms)
}
