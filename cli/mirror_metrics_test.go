package cli

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"schloss/mirror"
)

func TestMetricsAddress(t *testing.T) {
	for text, want := range map[string]string{
		"9404": "localhost:9404", ":9404": "localhost:9404", "0.0.0.0:9404": "0.0.0.0:9404", "[::1]:9404": "[::1]:9404", "host:0": "host:0",
		"host:": "", "": "", "a:b:c": "",
	} {
		if got, err := metricsAddress(text); got != want || (err != nil) != (want == "") {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestHealth(t *testing.T) {
	running, halted := mirror.PartitionProgress{}, mirror.PartitionProgress{Halt: &mirror.Halt{Reason: mirror.OffsetGone}}
	for _, test := range []struct {
		name       string
		partitions []mirror.PartitionProgress
		code       int
		body       string
	}{
		{"nothing is assigned", nil, 200, "ok\n"},
		{"all run", []mirror.PartitionProgress{running, running}, 200, "ok\n"},
		{"one has halted", []mirror.PartitionProgress{running, halted}, 200, "1 of 2 partitions halted\n"},
		{"all have halted", []mirror.PartitionProgress{halted, halted}, 503, "2 of 2 partitions halted\n"},
	} {
		w := httptest.NewRecorder()
		health(w, mirror.Progress{Partitions: test.partitions})
		if w.Code != test.code || w.Body.String() != test.body {
			t.Errorf("%s: got %d %q, want %d %q", test.name, w.Code, w.Body, test.code, test.body)
		}
	}
}

func TestMetricsAreServed(t *testing.T) {
	address, stop, err := serveMetrics("127.0.0.1:0", new(mirror.Mirror))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for path, want := range map[string]string{"/metrics": "schloss_mirror_partitions{", "/healthz": "ok"} {
		resp, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), want) || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %q, %v", path, resp.StatusCode, body, err)
		}
	}
	if _, _, err := serveMetrics(address, new(mirror.Mirror)); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("an address that is taken: %v", err)
	}
	stop()
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}
