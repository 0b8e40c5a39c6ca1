package config

// TopicValues are the settings of one topic: its own over those it inherits
// from the broker. The topic's own settings must have been checked.
func TopicValues(server *Values, own map[string]string) (*Values, error) { return nil, nil }

// CheckTopic says what is wrong with settings given for a topic, as a
// *ValueError or *UnknownError; nil when they are good.
func CheckTopic(own map[string]string) error { return nil }
