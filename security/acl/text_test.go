package acl

import (
	"slices"
	"strings"
	"testing"

	"schloss/kafka"
)

func TestText(t *testing.T) {
	read := Binding{kafka.TransactionalID, "t", kafka.Prefixed, "User:CN=a,O=b", "10.0.0.1", kafka.DescribeConfigs, kafka.Deny}
	if got, want := read.String(), "ResourcePattern(resourceType=TRANSACTIONAL_ID, name=t, patternType=PREFIXED) (principal=User:CN=a,O=b, host=10.0.0.1, operation=DESCRIBE_CONFIGS, permissionType=DENY)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestShortcuts(t *testing.T) {
	tests := []struct {
		name     string
		shortcut Shortcut
		kind     kafka.ResourceType
		want     []kafka.Operation
	}{
		{"producer", Shortcut{Producer: true}, kafka.Topic, []kafka.Operation{kafka.Write, kafka.Describe, kafka.Create}},
		{"producer's transactional id", Shortcut{Producer: true}, kafka.TransactionalID, []kafka.Operation{kafka.Write, kafka.Describe}},
		{"producer without idempotence", Shortcut{Producer: true}, kafka.Cluster, nil},
		{"idempotent producer", Shortcut{Producer: true, Idempotent: true}, kafka.Cluster, []kafka.Operation{kafka.IdempotentWrite}},
		{"consumer", Shortcut{Consumer: true}, kafka.Topic, []kafka.Operation{kafka.Read, kafka.Describe}},
		{"consumer's group", Shortcut{Consumer: true}, kafka.Group, []kafka.Operation{kafka.Read}},
		{"producer's group", Shortcut{Producer: true}, kafka.Group, nil},
		{"both", Shortcut{Producer: true, Consumer: true}, kafka.Topic, []kafka.Operation{kafka.Write, kafka.Describe, kafka.Create, kafka.Read}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.shortcut.Operations(test.kind); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestCheckCreate(t *testing.T) {
	good := Binding{kafka.Topic, "t", kafka.Literal, "User:a", "*", kafka.Read, kafka.Allow}
	tests := []struct {
		name  string
		spoil func(*Binding)
		want  string // part of the error; empty: none
	}{
		{"good", func(*Binding) {}, ""},
		{"a name no topic can have", func(b *Binding) { b.Name = "no/topic" }, ""},
		{"an operation topics do not know", func(b *Binding) { b.Operation = kafka.ClusterAction }, ""},
		{"any type", func(b *Binding) { b.ResourceType = kafka.ResourceAny }, "resource type"},
		{"type of the future", func(b *Binding) { b.ResourceType = 9 }, "resource type"},
		{"match", func(b *Binding) { b.Pattern = kafka.PatternMatch }, "pattern type"},
		{"any operation", func(b *Binding) { b.Operation = kafka.OperationAny }, "operation"},
		{"operation of the future", func(b *Binding) { b.Operation = 40 }, "operation"},
		{"any permission", func(b *Binding) { b.Permission = kafka.PermissionAny }, "permission"},
		{"no name", func(b *Binding) { b.Name = "" }, "name is empty"},
		{"another cluster", func(b *Binding) { b.ResourceType = kafka.Cluster }, "kafka-cluster"},
		{"no host", func(b *Binding) { b.Host = "" }, "host is empty"},
		{"principal without type", func(b *Binding) { b.Principal = "a" }, "TYPE:NAME"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := good
			test.spoil(&b)
			err := CheckCreate(b)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && b.ResourceType != kafka.Cluster && b.Name != "" && b.Host != "" && b.Principal == good.Principal && New([]Binding{b}).Len() != 0 {
				t.Error("it was taken all the same")
			}
		})
	}
}

func TestCheckFilter(t *testing.T) {
	good := Filter{kafka.ResourceAny, nil, kafka.PatternMatch, nil, nil, kafka.OperationAny, kafka.PermissionAny}
	if err := CheckFilter(good); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Filter){
		"type": func(f *Filter) { f.ResourceType = 0 }, "pattern": func(f *Filter) { f.Pattern = 5 },
		"operation": func(f *Filter) { f.Operation = -1 }, "permission": func(f *Filter) { f.Permission = 0 },
	} {
		f := good
		spoil(&f)
		if CheckFilter(f) == nil {
			t.Errorf("an unknown %s is taken", name)
		}
	}
}
