package cli

import (
	"testing"
	"time"
)

func TestDateFormat(t *testing.T) {
	at := time.Date(2026, 3, 5, 0, 7, 9, 42e6, time.FixedZone("CET", 3600))
	for _, test := range []struct{ pattern, want string }{
		{"yyyy-MM-dd HH:mm:ss:SSS", "2026-03-05 00:07:09:042"},
		{"d.M.yy h:mm a", "5.3.26 12:07 AM"},
		{"EEE, MMM d 'at' kk''K", "Thu, Mar 5 at 24'0"},
		{"EEEE MMMM D Z X XXX z", "Thursday March 64 +0100 +01 +01:00 CET"},
		{"'open", ""},
		{"yyyy-ww", ""},
	} {
		t.Run(test.pattern, func(t *testing.T) {
			f, err := parseDateFormat(test.pattern)
			if (err != nil) != (test.want == "") {
				t.Fatalf("got %v", err)
			}
			if got := f.format(at); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
