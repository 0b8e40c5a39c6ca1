package group

import (
	"bytes"
	"slices"
	"time"
)

// freshTimeout is how long a new member may wait for its first rebalance to
// end: it has no session yet, and a client that went away cannot be told from
// one that waits (Kafka: classicGroupNewMemberJoinTimeoutMs).
const freshTimeout = 5 * time.Minute

// member is one member of a group.
type member struct {
	id         string
	instanceID string // empty in dynamic members
	clientID   string
	clientHost string
	session    time.Duration
	rebalance  time.Duration
	protocols  []Protocol // in the order of its liking
	assignment []byte     // of this generation; durable

	join     func(JoinResponse) // set while its JoinGroup waits
	sync     func(SyncResponse) // set while its SyncGroup waits
	fresh    bool               // its first rebalance has not ended
	unsynced bool               // it has not synced in this generation
	expires  time.Time          // end of its session, unless it waits
}

// deadline is when the member is to be removed unless it is heard of; zero
// while it waits for us.
func (m *member) deadline() time.Time {
	if (m.join != nil || m.sync != nil) && !m.fresh {
		return time.Time{}
	}
	return m.expires
}

// heard begins the member's session anew.
func (m *member) heard(now time.Time) {
	m.expires = now.Add(m.session)
	if m.fresh {
		m.expires = now.Add(freshTimeout)
	}
}

func (m *member) supports(protocol string) bool {
	return slices.ContainsFunc(m.protocols, func(p Protocol) bool { return p.Name == protocol })
}

// metadata is what the member said with a protocol.
func (m *member) metadata(protocol string) []byte {
	for _, p := range m.protocols {
		if p.Name == protocol {
			return p.Metadata
		}
	}
	return []byte{}
}

// matches says whether protocols are the same as before, in the same order.
func (m *member) matches(protocols []Protocol) bool {
	return slices.EqualFunc(m.protocols, protocols, func(a, b Protocol) bool {
		return a.Name == b.Name && bytes.Equal(a.Metadata, b.Metadata)
	})
}
