package client

import (
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"schloss/kafka"
)

func TestDenied(t *testing.T) {
	plain := errors.New("broken pipe")
	topic := &DeniedError{kafka.Write, kafka.Topic, "t", kafka.ErrTopicAuthorizationFailed}
	for _, test := range []struct {
		name string
		err  error
		want error
	}{
		{"nil", nil, nil},
		{"no refusal", plain, plain},
		{"franz-go's error", fmt.Errorf("produce: %w", kerr.TopicAuthorizationFailed), topic},
		{"our code", &AnswerError{Code: kafka.ErrTopicAuthorizationFailed}, topic},
		{"a refusal already", topic, topic},
		{"of the cluster", kerr.ClusterAuthorizationFailed, &DeniedError{kafka.Write, kafka.Cluster, kafka.ClusterName, kafka.ErrClusterAuthorizationFailed}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Denied(test.err, kafka.Write, kafka.Topic, "t")
			if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", test.want) {
				t.Errorf("got %#v, want %#v", got, test.want)
			}
		})
	}
	if !errors.Is(topic, kafka.ErrTopicAuthorizationFailed) {
		t.Error("the code is not in the chain")
	}
}
