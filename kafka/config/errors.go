package config

// SyntaxError is a line that is not a setting.
type SyntaxError struct {
	Source  string
	Line    int
	Text    string // the line, without any value that may be secret
	Problem string
}

func (e *SyntaxError) Error() string { return e.Problem }

// ValueError is a setting with a value it cannot have. The value itself is
// absent where it may be secret.
type ValueError struct {
	Source string
	Line   int
	Key    string
	Value  string
	Want   string
}

func (e *ValueError) Error() string { return e.Want }

// UnknownError is a setting that does not exist but is nearly one that does.
type UnknownError struct {
	Source  string
	Line    int
	Key     string
	Nearest string
}

func (e *UnknownError) Error() string { return e.Nearest }

// Notice says that a setting was read and changes nothing, and why.
type Notice struct {
	Source string
	Line   int
	Key    string
	Reason string
}

// String is the notice as one line.
func (n Notice) String() string { return n.Reason }
