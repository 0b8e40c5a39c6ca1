package cli

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// parseDatetime reads YYYY-MM-DDThh:mm:ss.sss, UTC unless Z or a zone such as
// +01:00 or +0100 follows (Kafka: Utils.getDateTime).
func parseDatetime(text string) (time.Time, error) {
	const advice = "write it as 2026-01-31T23:59:59.000, in UTC, or with a zone: 2026-01-31T23:59:59.000+01:00"
	if !strings.Contains(text, "T") {
		return time.Time{}, usage("Error parsing timestamp. It does not contain a 'T' according to ISO8601 format").advised(advice)
	}
	for _, layout := range []string{"2006-01-02T15:04:05.000", "2006-01-02T15:04:05.000Z07:00", "2006-01-02T15:04:05.000Z0700", "2006-01-02T15:04:05.000Z07"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, usage("Unparseable date: %q", text).advised(advice)
}

var isoDuration = regexp.MustCompile(`(?i)^([-+]?)P(?:([-+]?\d+)D)?(T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+)(?:[.,](\d{0,9}))?S)?)?$`)

// parseDuration reads PnDTnHnMn.nS (Java: Duration.parse).
func parseDuration(text string) (time.Duration, error) {
	wrong := usage("Text cannot be parsed to a Duration: %q", text).advised("write it as P1DT2H3M4S: days, then T, hours, minutes, seconds; PT30M is half an hour")
	m := isoDuration.FindStringSubmatch(text)
	if m == nil || m[3] != "" && len(m[3]) == 1 || m[2] == "" && m[3] == "" {
		return 0, wrong
	}
	seconds := 0.0
	for i, unit := range map[int]float64{2: 24 * 3600, 4: 3600, 5: 60, 6: 1} {
		if m[i] != "" {
			n, err := strconv.ParseInt(m[i], 10, 64)
			if err != nil {
				return 0, wrong
			}
			seconds += float64(n) * unit
		}
	}
	if m[7] != "" {
		fraction, err := strconv.ParseFloat("0."+m[7], 64)
		if err != nil {
			return 0, wrong
		}
		seconds += math.Copysign(fraction, seconds)
	}
	if m[1] == "-" {
		seconds = -seconds
	}
	if math.Abs(seconds) > float64(math.MaxInt64/int64(time.Second)) {
		return 0, wrong
	}
	return time.Duration(seconds * float64(time.Second)), nil
}
