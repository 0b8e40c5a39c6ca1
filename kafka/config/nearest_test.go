package config

import "testing"

func TestNearest(t *testing.T) {
	among := []string{"acks", "group.id", "ssl.keystore.location", "ssl.keystore.password", "bootstrap-server"}
	tests := []struct{ word, want string }{
		{"ack", "acks"}, {"akcs", "acks"}, {"axxs", ""}, {"", ""}, {"groupid", "group.id"}, {"GROUP_ID", "group.id"},
		{"ssl.keystore.loction", "ssl.keystore.location"}, {"ssl.keystor.loction", "ssl.keystore.location"}, {"sl.keystor.loction", ""},
		{"bootstrap-servers", "bootstrap-server"}, {"bootstrapserver", "bootstrap-server"}, {"something.else", ""},
	}
	for _, test := range tests {
		if got, ok := Nearest(test.word, among); got != test.want && ok || ok != (test.want != "") {
			t.Errorf("Nearest(%q) = %q, %v, want %q", test.word, got, ok, test.want)
		}
	}
}
