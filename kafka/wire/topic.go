package wire

import "schloss/kafka"

// minTopic is the least that a topic and its array of partitions take: two
// compact lengths and the count of tagged fields.
const minTopic = 3

// topic reads what names a topic: its id, or its name in older versions.
func (r *reader) topic(byID bool, oldName string) (string, kafka.TopicID) {
	if byID {
		return "", r.id()
	}
	return r.string(oldName), kafka.TopicID{}
}

func (w *writer) topic(byID bool, name string, id kafka.TopicID) {
	if byID {
		w.id(id)
		return
	}
	w.string(name)
}
