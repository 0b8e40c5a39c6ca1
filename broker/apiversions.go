package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"schloss/kafka"
)

// ApiVersions tells what we speak.
//
// Behavior: open to everyone, as a client needs it before anything else. No
// features are finalized: there are no transactions and no newer groups.
//
// Versions: a request newer than ours is answered in version 0 with
// UNSUPPORTED_VERSION and the versions of this API alone (KIP-511). From 3 on
// the client names its software.
func apiVersions(_ *Broker, c *call, body []byte) {
	resp := kmsg.NewPtrApiVersionsResponse()
	if c.header.Version < c.api.min || c.header.Version > c.api.max {
		c.header.Version = 0
		resp.ErrorCode = int16(kafka.ErrUnsupportedVersion)
		resp.ApiKeys = []kmsg.ApiVersionsResponseApiKey{versionsOf(c.api)}
		c.respond(resp)
		return
	}
	parsed, err := c.parse(body)
	if err != nil {
		c.hangup(err)
		return
	}
	req, ok := parsed.(*kmsg.ApiVersionsRequest)
	if ok && c.header.Version >= 3 && !(softwareWord(req.ClientSoftwareName) && softwareWord(req.ClientSoftwareVersion)) {
		resp.ErrorCode = int16(kafka.ErrInvalidRequest)
		c.respond(resp)
		return
	}
	for _, a := range apis() {
		if a.local || !c.peer.Local {
			resp.ApiKeys = append(resp.ApiKeys, versionsOf(&a))
		}
	}
	c.respond(resp)
}

func versionsOf(a *api) kmsg.ApiVersionsResponseApiKey {
	k := kmsg.NewApiVersionsResponseApiKey()
	k.ApiKey, k.MinVersion, k.MaxVersion = a.key, a.min, a.max
	return k
}

// softwareWord is Kafka's pattern for the name and version of a client:
// letters, digits, '-' and '.', with a letter or digit at both ends.
func softwareWord(s string) bool {
	for i, c := range []byte(s) {
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && (c != '-' && c != '.' || i == 0 || i == len(s)-1) {
			return false
		}
	}
	return s != ""
}
