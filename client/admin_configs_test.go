package client

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"schloss/kafka"
	"schloss/kafka/config"
)

// own are the settings that the resource itself has.
func own(t *testing.T, a *Admin, r ConfigResource) map[string]string {
	t.Helper()
	answers, err := a.DescribeConfigs(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if answers[0].Err != nil {
		t.Fatal(answers[0].Err)
	}
	values := map[string]string{}
	for _, c := range answers[0].Configs {
		if c.Source == r.Source() && c.Value != nil {
			values[c.Name] = *c.Value
		}
	}
	return values
}

// A broker before 2.3 takes all settings of a resource at once; those that are
// not changed must survive that.
func TestAlterConfigsLeavesTheOthers(t *testing.T) {
	tests := map[string][]kfake.Opt{
		"one by one":       nil,
		"all at once, 2.2": {kfake.MaxVersions(kversion.V2_2_0())},
		"all at once, 1.1": {kfake.MaxVersions(kversion.V1_1_0())},
	}
	for name, opts := range tests {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, append(opts, kfake.SeedTopics(1, "t"))...)
			for way, to := range requestors(t, c) {
				a, topic := NewAdmin(to), ConfigResource{TopicConfigs, "t"}
				for _, changes := range [][]ConfigChange{
					{{Name: "retention.ms", Value: "1000"}, {Name: "max.message.bytes", Value: "2000"}},
					{{Name: "retention.ms", Value: "3000"}},
					{{Name: "cleanup.policy", Value: "compact"}, {Name: "retention.ms", Op: DeleteConfig}},
				} {
					if err := a.AlterConfigs(t.Context(), topic, changes, false); err != nil {
						t.Fatalf("%s: %v", way, err)
					}
				}
				want := map[string]string{"max.message.bytes": "2000", "cleanup.policy": "compact"}
				if got := own(t, a, topic); !maps.Equal(got, want) {
					t.Errorf("%s: got %v, want %v", way, got, want)
				}
			}
		})
	}
}

func TestChangedRefusesWhatWouldBeLost(t *testing.T) {
	broker := ConfigResource{BrokerConfigs, "1"}
	secret := []config.Described{{Name: "ssl.key.password", Sensitive: true, Source: config.DynamicBrokerConfig}}
	tests := []struct {
		name   string
		change ConfigChange
		want   string // in the error; "" for none
	}{
		{"a secret that is not given again", ConfigChange{Name: "log.cleaner.threads", Value: "2"}, "ssl.key.password"},
		{"a secret that is given again", ConfigChange{Name: "ssl.key.password", Value: "x"}, ""},
		{"a secret that is deleted", ConfigChange{Name: "ssl.key.password", Op: DeleteConfig}, ""},
		{"appending", ConfigChange{Name: "ssl.key.password", Value: "x", Op: AppendConfig}, "append"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := changed(broker, secret, []ConfigChange{test.change})
			if got := err != nil; got != (test.want != "") || got && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestAnAPIThatIsNotServed(t *testing.T) {
	c := cluster(t, kfake.MaxVersions(kversion.V2_2_0()))
	for way, to := range requestors(t, c) {
		_, err := NewAdmin(to).DescribeQuotas(t.Context(), QuotaFilter{QuotaEntity: QuotaEntity{Type: "user"}, Any: true})
		var e *VersionError
		if !errors.As(err, &e) || e.API != "DescribeClientQuotas" || e.Max >= 0 {
			t.Errorf("%s: got %v, want that DescribeClientQuotas is not served", way, err)
		}
	}
}

// Before version 7 of ListOffsets a broker takes -3 for a time, and would
// answer with its first record.
func TestListOffsetsRefusesWhatTheBrokerMistakes(t *testing.T) {
	c := cluster(t, kfake.MaxVersions(kversion.V2_8_0()), kfake.SeedTopics(1, "t"))
	for way, to := range requestors(t, c) {
		_, err := NewAdmin(to).ListOffsets(t.Context(), int64(kafka.MaxTimestampOffset), []kafka.TopicPartition{{Topic: "t"}})
		if e := (*VersionError)(nil); !errors.As(err, &e) {
			t.Errorf("%s: got %v, want a VersionError", way, err)
		}
	}
}

func TestQuotas(t *testing.T) {
	c := cluster(t)
	for way, to := range requestors(t, c) {
		a, name := NewAdmin(to), "alice-"+way
		entity := []QuotaEntity{{Type: "user", Name: &name}}
		if err := a.AlterQuotas(t.Context(), entity, []QuotaChange{{Name: "producer_byte_rate", Value: 1024}, {Name: "request_percentage", Value: 50}}); err != nil {
			t.Fatal(err)
		}
		if err := a.AlterQuotas(t.Context(), entity, []QuotaChange{{Name: "request_percentage", Remove: true}}); err != nil {
			t.Fatal(err)
		}
		quotas, err := a.DescribeQuotas(t.Context(), QuotaFilter{QuotaEntity: entity[0]})
		if err != nil || len(quotas) != 1 || !maps.Equal(quotas[0].Values, map[string]float64{"producer_byte_rate": 1024}) {
			t.Errorf("%s: got %v, %v", way, quotas, err)
		}
	}
}

// What is salted is that of RFC 7677, section 3.
func TestScramIsSaltedAsTheRFCSays(t *testing.T) {
	change := ScramChange{ScramCredential: ScramCredential{ScramSHA256, 4096}, Password: "pencil"}
	got, err := change.salted([]byte{0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81})
	want := []byte{0xc4, 0xa4, 0x95, 0x10, 0x32, 0x3a, 0xb4, 0xf9, 0x52, 0xca, 0xc1, 0xfa, 0x99, 0x44, 0x19, 0x39,
		0xe7, 0x8e, 0xa7, 0x4d, 0x6b, 0xe8, 0x1d, 0xdf, 0x70, 0x96, 0xe8, 0x75, 0x13, 0xdc, 0x61, 0x5d}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %x, %v, want %x", got, err, want)
	}
}

func TestScram(t *testing.T) {
	c := cluster(t)
	var seen *kmsg.AlterUserSCRAMCredentialsRequest
	c.ControlKey(int16(kmsg.AlterUserSCRAMCredentials), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		seen = req.(*kmsg.AlterUserSCRAMCredentialsRequest)
		return nil, nil, false
	})
	a := NewAdmin(requestors(t, c)["client"])
	if err := a.AlterScram(t.Context(), "alice", []ScramChange{{ScramCredential: ScramCredential{ScramSHA512, 5000}, Password: "wonder"}}); err != nil {
		t.Fatal(err)
	}
	if got := seen.Upsertions[0]; len(got.Salt) < 20 || len(got.SaltedPassword) != 64 || strings.Contains(string(got.SaltedPassword), "wonder") {
		t.Errorf("sent a salt of %d bytes and a password of %d", len(got.Salt), len(got.SaltedPassword))
	}
	users, err := a.ScramUsers(t.Context(), "alice", "nobody")
	if err != nil || len(users) != 1 || !slices.Equal(users[0].Credentials, []ScramCredential{{ScramSHA512, 5000}}) {
		t.Errorf("got %+v, %v", users, err)
	}
	if err := a.AlterScram(t.Context(), "alice", []ScramChange{{ScramCredential: ScramCredential{Mechanism: ScramSHA512}, Delete: true}}); err != nil {
		t.Fatal(err)
	}
	if users, err := a.ScramUsers(t.Context()); err != nil || len(users) != 0 {
		t.Errorf("after the deletion: got %+v, %v", users, err)
	}
}

// One partition that is not there must not hide what became of the others.
func TestDeleteRecordsAnswersForEach(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(1, "t"))
	for way, to := range requestors(t, c) {
		deleted, err := NewAdmin(to).DeleteRecords(t.Context(), []PartitionOffset{
			{kafka.TopicPartition{Topic: "absent"}, 1}, {kafka.TopicPartition{Topic: "t"}, 0}, {kafka.TopicPartition{Topic: "t", Partition: 7}, 0}})
		if err != nil || len(deleted) != 3 {
			t.Fatalf("%s: got %v, %v", way, deleted, err)
		}
		if !errors.Is(deleted[0].Err, kafka.ErrUnknownTopicOrPartition) || deleted[1].Err != nil || !errors.Is(deleted[2].Err, kafka.ErrUnknownTopicOrPartition) {
			t.Errorf("%s: got %+v", way, deleted)
		}
	}
}

func TestVersions(t *testing.T) {
	c := cluster(t)
	for way, to := range requestors(t, c) {
		apis, _, err := NewAdmin(to).Versions(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(apis, func(v APIVersions) bool { return v.Key == int16(kmsg.Metadata) })
		if i < 0 || apis[i].Usable != apis[i].Max || apis[i].Max < 9 {
			t.Errorf("%s: got %+v", way, apis)
		}
	}
}
