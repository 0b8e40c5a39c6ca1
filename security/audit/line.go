package audit

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"schloss/security/acl"
)

// line is one line of the log; its keys are for others to rely on.
type line struct {
	Time         string   `json:"time"` // RFC 3339, UTC
	Event        string   `json:"event"`
	Principal    string   `json:"principal,omitempty"`
	Host         string   `json:"host,omitempty"`
	API          string   `json:"api,omitempty"`
	Operation    string   `json:"operation,omitempty"`
	ResourceType string   `json:"resourceType,omitempty"`
	Resource     string   `json:"resource,omitempty"`
	Reason       string   `json:"reason,omitempty"`
	Binding      *binding `json:"binding,omitempty"` // the deciding one; absent when none matched
	Nearest      *nearest `json:"nearest,omitempty"` // the binding that comes closest, with NoBinding
	Grant        string   `json:"grant,omitempty"`   // the command that would allow it
	Repeated     int      `json:"repeated,omitempty"`
	Overflow     int      `json:"overflow,omitempty"` // further denials, of which only this number is known
	Since        string   `json:"since,omitempty"`    // when counting began
}

type binding struct {
	ResourceType string `json:"resourceType"`
	Name         string `json:"name"`
	PatternType  string `json:"patternType"`
	Principal    string `json:"principal"`
	Host         string `json:"host"`
	Operation    string `json:"operation"`
	Permission   string `json:"permissionType"`
}

type nearest struct {
	binding
	Misses string `json:"misses"` // why it does not allow the request
}

func newLine(now time.Time, r Record) line {
	l := line{
		Time: stamp(now), Event: "denied", Principal: r.Principal, Host: r.Host, API: r.API,
		Operation: r.Operation.Enum(), ResourceType: r.ResourceType.Enum(), Resource: r.Resource,
		Reason: r.Decision.Reason.String(),
	}
	if b := r.Decision.Binding; r.Decision.Reason == acl.ByBinding {
		fields := fieldsOf(b)
		l.Binding = &fields
	}
	return l
}

func fieldsOf(b acl.Binding) binding {
	return binding{b.ResourceType.Enum(), clip(b.Name), b.Pattern.Enum(), clip(b.Principal), clip(b.Host), b.Operation.Enum(), b.Permission.Enum()}
}

// advise adds what would mend the denial: the nearest binding with what it
// lacks, and the command. Against a denial no permission helps, so the command
// takes that binding away.
func (l *line) advise(rules *acl.Rules, r Record) {
	const tool = "kafka-acls.sh --bootstrap-server HOST:PORT --command-config ADMIN.properties "
	q := acl.Query{Principal: r.Principal, Host: r.Host, Operation: r.Operation, ResourceType: r.ResourceType, Name: r.Resource}
	switch {
	case r.Decision.Reason == acl.ByBinding && len(r.Decision.Binding.Principal)+len(r.Decision.Binding.Name) <= maxText:
		l.Grant = tool + "--remove --force " + r.Decision.Binding.Flags()
	case r.Decision.Reason == acl.NoBinding:
		l.Grant = tool + "--add " + q.Granting().Flags()
		if miss, ok := rules.Nearest(q); ok {
			l.Nearest = &nearest{fieldsOf(miss.Binding), clip(strings.Join(miss.Why, "; "))}
		}
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// clip shortens a text to maxText bytes and says how much is missing. The
// copy lets go of the request that the text was cut from.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for end > maxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.Clone(s[:end]) + "...(" + strconv.Itoa(len(s)-end) + " bytes more)"
}
