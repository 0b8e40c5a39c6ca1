package cli

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"schloss/mirror"
)

// metricsAddress reads HOST:PORT or a port alone. Without a host it is this
// machine's own: who may see the metrics of others sees the names of topics.
func metricsAddress(text string) (string, error) {
	if !strings.Contains(text, ":") {
		text = ":" + text
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil || port == "" {
		return "", errors.New("expected HOST:PORT, or a port alone")
	}
	if host == "" {
		host = "localhost"
	}
	return net.JoinHostPort(host, port), nil
}

func checkMetricsAddress(text string) error {
	_, err := metricsAddress(text)
	return err
}

// serveMetrics serves /metrics and /healthz until the function that it returns
// is called.
func serveMetrics(text string, m *mirror.Mirror) (address string, stop func(), err error) {
	if address, err = metricsAddress(text); err != nil {
		return "", nil, err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("serve metrics on %s: %w", address, errors.Unwrap(err))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_ = m.WriteMetrics(w) // who has gone does not matter
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { health(w, m.Snapshot()) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	go func() { _ = server.Serve(l) }() // until it is closed
	return l.Addr().String(), func() { _ = server.Close() }, nil
}

// health says that the mirror works unless nothing is copied any more. One
// partition that halted is no reason to start a mirror anew: see /metrics.
func health(w http.ResponseWriter, p mirror.Progress) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	halted := p.Halted()
	if halted > 0 && p.Running() == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if halted == 0 {
		fmt.Fprintln(w, "ok")
		return
	}
	fmt.Fprintf(w, "%d of %d partitions halted\n", halted, len(p.Partitions))
}
