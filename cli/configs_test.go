package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"schloss/client"
)

func TestBracketedPairs(t *testing.T) {
	tests := []struct {
		name, text, want string // want: "" for an error
	}{
		{"one", "retention.ms=5", "retention.ms=5"},
		{"several, with blanks", "retention.ms = 100 , segment.ms = 7", "retention.ms=100|segment.ms=7"},
		{"a value with commas", "cleanup.policy=[compact,delete],a=b", "cleanup.policy=compact,delete|a=b"},
		{"a value with equals signs", "SCRAM-SHA-512=[iterations=8192,password=x]", "SCRAM-SHA-512=iterations=8192,password=x"},
		{"a bracket that is not closed", "cleanup.policy=[compact", "cleanup.policy=compact"},
		{"an empty value", "a=", "a="},
		{"a comma at the end", "a=1,", "a=1"},
		{"the same key again", "a=1,b=2,a=3", "a=3|b=2"},
		{"no equals sign", "retention.ms", ""},
		{"two equals signs", "a=1=2", ""},
		{"nothing between commas", "a=1,,b=2", ""},
		{"nothing", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			changes, err := bracketedPairs(test.text)
			var words []string
			for _, c := range changes {
				words = append(words, c.Name+"="+c.Value)
			}
			if got := strings.Join(words, "|"); got != test.want || (err != nil) != (test.want == "") {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestConfigEntities(t *testing.T) {
	tests := []struct {
		name, line, want, wrong string
	}{
		{"by type and name", "--entity-type topics --entity-name t", "topics t", ""},
		{"by the short form", "--topic t", "topics t", ""},
		{"all of a type", "--entity-type topics", "topics all", ""},
		{"the default", "--entity-type users --entity-default", "users default", ""},
		{"the default by the short form", "--broker-defaults", "brokers default", ""},
		{"an empty name is the default", "--entity-type users --entity-name=", "users default", ""},
		{"names and defaults in their order", "--entity-type users --entity-default --entity-type clients --entity-name c", "users default, clients c", ""},
		{"in the other order", "--entity-type clients --entity-name c --entity-type users --entity-default", "clients c, users default", ""},
		{"short forms in Kafka's order", "--user u --client c", "clients c, users u", ""},
		{"a name and any", "--entity-type users --entity-name u --entity-type clients", "users u, clients all", ""},
		{"none", "", "", "At least one entity type"},
		{"an unknown type", "--entity-type topic", "", "Invalid entity type topic"},
		{"twice the same", "--entity-type topics --topic t", "", "Duplicate entity type(s) specified: topics"},
		{"two that do not go together", "--topic t --broker 1", "", "Only 'users' and 'clients'"},
		{"both forms", "--entity-default --user u", "", "should not be used in conjunction"},
		{"a name too many", "--entity-type topics --entity-name a --entity-name b", "", "2 names are given for 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, _, err := parseFlags(configs.flags, strings.Fields(test.line))
			if err != nil {
				t.Fatal(err)
			}
			entities, err := configEntities(o)
			var words []string
			for _, e := range entities {
				what := "all"
				if e.byDefault {
					what = "default"
				} else if e.name != nil {
					what = *e.name
				}
				words = append(words, e.entityKind.name+" "+what)
			}
			if got := strings.Join(words, ", "); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if (err != nil) != (test.wrong != "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("got error %v, want %q", err, test.wrong)
			}
		})
	}
}

func TestScramChange(t *testing.T) {
	tests := []struct {
		name, value string
		iterations  int32 // 0: an error
	}{
		{"a password alone", "password=hush", 4096},
		{"with iterations", "iterations=8192,password=hush", 8192},
		{"a password with commas and equals signs", "password=hush,a=b", 4096},
		{"iterations left empty", "iterations=,password=hush", 4096},
		{"too few iterations", "iterations=100,password=hush", 0},
		{"too large a number", "iterations=99999999999,password=hush", 0},
		{"no password", "password=", 0},
		{"a word that was meant to be a password", "hush", 0},
		{"another order", "passwd=hush,iterations=8192", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			change, err := scramChange(client.ScramSHA256, test.value)
			if (err != nil) != (test.iterations == 0) || err == nil && change.Iterations != test.iterations {
				t.Errorf("got %d, %v, want %d", change.Iterations, err, test.iterations)
			}
			var wrong *usageError
			if errors.As(err, &wrong) && strings.Contains(wrong.problem+wrong.advice, "hush") || strings.Contains(fmt.Sprintf("%+v", change), "hush") {
				t.Errorf("the password prints: %v, %+v", err, change)
			}
		})
	}
}
