package principal

import (
	"fmt"
	"strings"
)

// Principal is who a connection is (Kafka: KafkaPrincipal). Type is User for
// everyone the broker authenticates itself. Both parts are case-sensitive.
type Principal struct {
	Type, Name string
}

// UserType is the type of every principal that comes from a certificate.
const UserType = "User"

// Anonymous is whoever did not authenticate.
var Anonymous = User("ANONYMOUS")

// User is the principal "User:name".
func User(name string) Principal { return Principal{Type: UserType, Name: name} }

// Parse reads the text "Type:name". The name is all that follows the first
// colon, so it may hold colons itself.
func Parse(s string) (Principal, error) {
	kind, name, found := strings.Cut(s, ":")
	if !found || kind == "" || name == "" {
		return Principal{}, fmt.Errorf("parse principal %q: want Type:name, as in User:alice", s)
	}
	return Principal{Type: kind, Name: name}, nil
}

// String is the text that ACLs hold.
func (p Principal) String() string { return p.Type + ":" + p.Name }
