package cli

import (
	"testing"
	"time"
)

func TestParseDatetime(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"UTC", "2020-01-31T23:59:59.123", "2020-01-31T23:59:59.123Z"},
		{"Z", "2020-01-31T23:59:59.123Z", "2020-01-31T23:59:59.123Z"},
		{"zone with colon", "2020-01-31T23:59:59.000+02:00", "2020-01-31T21:59:59Z"},
		{"zone without colon", "2020-01-31T23:59:59.000-0130", "2020-02-01T01:29:59Z"},
		{"zone of hours", "2020-01-31T23:59:59.000+02", "2020-01-31T21:59:59Z"},
		{"no T", "2020-01-31 23:59:59.000", ""},
		{"no milliseconds", "2020-01-31T23:59:59", ""},
		{"no such day", "2020-02-31T23:59:59.000", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			at, err := parseDatetime(test.text)
			if test.want == "" {
				if err == nil {
					t.Errorf("got %v, want an error", at)
				}
				return
			}
			if got := at.UTC().Format(time.RFC3339Nano); err != nil || got != test.want {
				t.Errorf("got %s, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestParseDuration(t *testing.T) {
	for _, test := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"PT1H", time.Hour, true},
		{"P1D", 24 * time.Hour, true},
		{"p1dt2h3m4.5s", 26*time.Hour + 3*time.Minute + 4500*time.Millisecond, true},
		{"PT-30M", -30 * time.Minute, true},
		{"-PT1H-1M", -59 * time.Minute, true},
		{"PT0.25S", 250 * time.Millisecond, true},
		{"P", 0, false},
		{"PT", 0, false},
		{"P1DT", 0, false},
		{"1h", 0, false},
		{"P1M", 0, false},
		{"P99999999999999D", 0, false},
		{"PT9999999999999999999S", 0, false},
	} {
		t.Run(test.text, func(t *testing.T) {
			if got, err := parseDuration(test.text); (err == nil) != test.ok || got != test.want {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
		})
	}
}
