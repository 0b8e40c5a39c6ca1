package cli

import (
	"strings"
	"testing"
)

func TestParseOffsetFile(t *testing.T) {
	tests := []struct {
		name, text, wrong string // wrong: "" for none
	}{
		{"as Kafka's page has it", offsetFileForm, ""},
		{"without a version", `{"partitions":[{"topic":"a","partition":0,"offset":-1}]}`, ""},
		{"nothing to delete", `{"partitions":[]}`, ""},
		{"cut off", "{\"partitions\":[\n{\"topic\":\"a\"", "The input string is not a valid JSON: line 2, column 12"},
		{"a comma too many", "{\"partitions\":[],\n}", "The input string is not a valid JSON: line 2, column 1"},
		{"empty", "", "The input string is not a valid JSON"},
		{"a list", "[]", "Expected JSON object, received []"},
		{"null", "null", "Expected JSON object, received null"},
		{"another version", `{"version":2,"partitions":[]}`, "Not supported version field value 2"},
		{"no partitions", `{"version":1}`, "Missing partitions field"},
		{"partitions that are no list", `{"partitions":{}}`, "Expected JSON array, received {}"},
		{"an entry that is no object", `{"partitions":[1]}`, "Expected JSON object, received 1, in entry 1"},
		{"no offset", `{"partitions":[{"topic":"a","partition":0}]}`, "No such field exists: `offset`, in entry 1"},
		{"a partition in quotes", `{"partitions":[{"topic":"a","partition":"0","offset":1}]}`, "Expected `Integer` value, received \"0\""},
		{"an offset that is null", `{"partitions":[{"topic":"a","partition":0,"offset":null}]}`, "Expected `Long` value, received null"},
		{"a partition that is too large", `{"partitions":[{"topic":"a","partition":4294967296,"offset":1}]}`, "Expected `Integer` value"},
		{"the same partition twice", `{"partitions":[{"topic":"a","partition":0,"offset":1},{"topic":"a","partition":0,"offset":2}]}`, "duplicate topic partitions: a-0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseOffsetFile([]byte(test.text))
			if (err != nil) != (test.wrong != "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("got %v, want %q", err, test.wrong)
			}
		})
	}
}

func FuzzParseOffsetFile(f *testing.F) {
	f.Add([]byte(offsetFileForm))
	f.Add([]byte(`{"version":1,"partitions":[{"topic":"","partition":-1,"offset":9223372036854775807}]}`))
	f.Add([]byte(`[{"partitions":null}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		before, err := parseOffsetFile(text)
		if err == nil && len(before)*len(`{"topic":"","partition":0,"offset":0}`) > len(text)*2 {
			t.Errorf("%d partitions of %d bytes", len(before), len(text))
		}
	})
}
