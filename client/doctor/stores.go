package doctor

import (
	"fmt"
	"strings"
	"time"

	"schloss/security/keystore"
	"schloss/security/ssl"
)

// readStores opens the stores as a client does, and says what is in them.
func (e *examination) readStores() []Finding {
	stores, err := ssl.ClientConfig(e.Values)
	var found []Finding
	if err != nil {
		f := failed("stores", e.Values.Source(), err)
		if f.Code == "" {
			f.Code = BadSettings
		}
		f.Evidence += e.inKeyStore(f.Code)
		found = append(found, f)
	}
	e.stores = stores
	if stores == nil {
		return found
	}
	if path := e.Values.String("ssl.keystore.location"); path != "" {
		s, kind, err := keystore.ReadFile(path, e.Values.Secret("ssl.keystore.password"), e.Values.Secret("ssl.key.password"))
		if err == nil {
			found = append(found, ok("stores", path, fmt.Sprintf("key store, %s: %s, our certificate is \"%s\"", kind, plural(len(s.Keys), "private key"), nameOf(stores.Leaf()))))
			found = append(found, e.ownDates()...)
		}
		found = append(found, e.storeType(path, "ssl.keystore.type", kind)...)
	}
	path := e.Values.String("ssl.truststore.location")
	if path == "" {
		return append(found, ok("stores", e.Values.Source(), "no ssl.truststore.location: the authorities of this system are trusted"))
	}
	s, kind, err := keystore.ReadTrustFile(path, e.Values.Secret("ssl.truststore.password"))
	if err == nil {
		found = append(found, ok("stores", path, fmt.Sprintf("trust store, %s: %s", kind, trusted(s))))
	}
	return append(found, e.storeType(path, "ssl.truststore.type", kind)...)
}

// inKeyStore is what a store holds that should hold a key: most often the
// signed certificate, under an alias of its own.
func (e *examination) inKeyStore(code Code) string {
	if code != NoPrivateKey {
		return ""
	}
	s, kind, err := keystore.ReadTrustFile(e.Values.String("ssl.keystore.location"), e.Values.Secret("ssl.keystore.password"))
	if err != nil || len(s.Trusted) == 0 {
		return ""
	}
	return fmt.Sprintf("; this %s store has only trusted entries: %s", kind, trusted(s))
}

// trusted lists the certificates of a store.
func trusted(s *keystore.Store) string {
	var names []string
	for _, t := range s.Trusted {
		names = append(names, fmt.Sprintf("%s = \"%s\"", t.Alias, nameOf(t.Certificate)))
	}
	for _, k := range s.Keys {
		names = append(names, fmt.Sprintf("%s = \"%s\"", k.Alias, nameOf(k.Chain[0])))
	}
	const most = 3
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

// storeType compares what the settings call a store with what it is.
func (e *examination) storeType(path, setting string, kind keystore.Format) []Finding {
	told := e.Values.String(setting)
	if kind == 0 || !e.Values.IsSet(setting) || strings.EqualFold(told, kind.String()) {
		return nil
	}
	return []Finding{warning("stores", path, OtherStoreType, fmt.Sprintf("%s=%s, and its content is %s", setting, told, kind), fmt.Sprintf("set %s=%s, or remove the line", setting, kind))}
}

// ownDates looks at the dates of the certificate that we show.
func (e *examination) ownDates() []Finding {
	leaf := e.stores.Leaf()
	path := e.Values.String("ssl.keystore.location")
	switch now := e.Now(); {
	case now.Before(leaf.NotBefore), now.After(leaf.NotAfter):
		return []Finding{bad("stores", path, OwnOutOfDates, fmt.Sprintf("our certificate \"%s\" is good %s", nameOf(leaf), span(leaf.NotBefore, leaf.NotAfter, now)), reissue)}
	case leaf.NotAfter.Sub(now) < soon:
		return []Finding{warning("stores", path, ExpiresSoon, fmt.Sprintf("our certificate \"%s\" is good %s", nameOf(leaf), span(leaf.NotBefore, leaf.NotAfter, now)), reissue)}
	}
	return nil
}

const (
	soon    = 14 * 24 * time.Hour
	reissue = "issue it anew: schloss certs issue --replace ...; and check the clock: date"
)

// span tells dates and the clock of this machine, in UTC and as it shows them.
func span(from, to, now time.Time) string {
	return fmt.Sprintf("from %s to %s; the clock here says %s (%s)", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339), now.Local().Format("2006-01-02 15:04 MST"))
}
