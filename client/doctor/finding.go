package doctor

import (
	"errors"

	"schloss/client"
)

// Status is what became of a step.
type Status string

// The statuses.
const (
	OK   Status = "ok"
	Warn Status = "warn" // it works, and should be mended
	Bad  Status = "bad"
)

// Finding is one step: what was looked at, and what was seen there.
type Finding struct {
	Step     string `json:"step"`
	About    string `json:"about"` // an address, a file, a topic
	Status   Status `json:"status"`
	Code     Code   `json:"code,omitempty"` // of what is not ok
	Evidence string `json:"evidence"`
	Cure     string `json:"cure,omitempty"` // a command or a setting; empty where Err tells it
	Err      error  `json:"-"`
}

// Passed says whether no step went wrong.
func Passed(findings []Finding) bool {
	for _, f := range findings {
		if f.Status == Bad {
			return false
		}
	}
	return true
}

func ok(step, about, evidence string) Finding {
	return Finding{Step: step, About: about, Status: OK, Evidence: evidence}
}

func warning(step, about string, code Code, evidence, cure string) Finding {
	return Finding{Step: step, About: about, Status: Warn, Code: code, Evidence: evidence, Cure: cure}
}

func bad(step, about string, code Code, evidence, cure string) Finding {
	return Finding{Step: step, About: about, Status: Bad, Code: code, Evidence: evidence, Cure: cure}
}

// failed is a step that ended in an error, which knows its own code.
func failed(step, about string, err error) Finding {
	f := Finding{Step: step, About: about, Status: Bad, Code: CodeOf(err), Evidence: err.Error(), Err: err}
	if connect := (*client.ConnectError)(nil); errors.As(err, &connect) {
		f.Evidence = connect.Err.Error() // step and address stand before it
	}
	return f
}
