package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// dynamicSettings are the broker settings that can be changed while it runs, of
// one broker or of all. They are those of Kafka's DynamicBrokerConfig that have
// an effect here; the others are refused instead of being kept for nothing.
var dynamicSettings = strings.Fields(`
	compression.type log.cleanup.policy log.index.interval.bytes log.message.timestamp.after.max.ms
	log.message.timestamp.before.max.ms log.message.timestamp.type log.retention.bytes log.retention.ms log.roll.ms
	log.segment.bytes max.connection.creation.rate max.connections max.connections.per.ip message.max.bytes min.insync.replicas
	producer.id.expiration.ms`)

// dynamicOfListeners are those that can be changed for one listener, under its
// prefix; all but those of connections of one broker only.
var dynamicOfListeners = strings.Fields(`
	max.connection.creation.rate max.connections ssl.cipher.suites ssl.client.auth ssl.enabled.protocols ssl.key.password
	ssl.keystore.certificate.chain ssl.keystore.key ssl.keystore.location ssl.keystore.password ssl.keystore.type
	ssl.protocol ssl.truststore.certificates ssl.truststore.location ssl.truststore.password ssl.truststore.type`)

// Dynamic are the settings of a broker that were changed while it ran.
type Dynamic struct {
	Own map[string]string // of this broker
	All map[string]string // of every broker that has none of its own
}

// With is v with the dynamic settings, which must have passed CheckDynamic, over
// those of its file.
func (v *Values) With(d Dynamic) *Values {
	view := *v
	view.dynamic = d
	view.set = maps.Clone(v.file())
	for _, layer := range []map[string]string{d.All, d.Own} {
		for name, text := range layer {
			view.set[name] = given{text: trimJava(text)}
		}
	}
	if view.static == nil {
		view.static = v.set
	}
	return &view
}

// Same says whether two views of a broker's settings agree in all whose names
// begin with a prefix.
func Same(a, b *Values, prefix string) bool {
	for _, s := range a.table.settings {
		if strings.HasPrefix(s.Name, prefix) && a.text(s.Name, s.Kind) != b.text(s.Name, s.Kind) {
			return false
		}
	}
	return true
}

// file is what was read, without what was changed since.
func (v *Values) file() map[string]given {
	if v.static != nil {
		return v.static
	}
	return v.set
}

// CheckDynamic says why one of the settings cannot be changed while the broker
// runs; own says that they are one broker's, and not every broker's default.
func (v *Values) CheckDynamic(settings map[string]string, own bool) error {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		s, err := v.dynamicSetting(name, own)
		if err != nil {
			return fmt.Errorf("setting %s %w", name, err)
		}
		if err := s.check(trimJava(settings[name])); err != nil {
			e := &ValueError{Source: "broker", Key: name, Value: settings[name], Want: err.Error()}
			if s.Kind == Password {
				e.Value = ""
			}
			return e
		}
	}
	return nil
}

// dynamicSetting is the setting that a name stands for. Its error goes on after
// "setting NAME".
func (v *Values) dynamicSetting(name string, own bool) (Setting, error) {
	bare, listener, err := v.splitListenerKey(name)
	if err != nil {
		return Setting{}, err
	}
	s, ok := v.table.Lookup(bare)
	if !ok {
		if nearest, ok := Nearest(bare, v.table.names()); ok {
			return s, fmt.Errorf("does not exist; %s does", nearest)
		}
		return s, errors.New("does not exist")
	}
	ofListener, alone := slices.Contains(dynamicOfListeners, bare), slices.Contains(dynamicSettings, bare)
	switch {
	case s.NoEffect != "":
		return s, fmt.Errorf("has no effect: %s", s.NoEffect)
	case listener && !ofListener, !listener && !alone && !ofListener:
		return s, errors.New("cannot be changed while the broker runs")
	case !listener && !alone:
		return s, fmt.Errorf("is changed for one listener at a time, as %sNAME.%s", listenerPrefix, bare)
	case listener && !alone && !own:
		return s, errors.New("is one broker's own, and is changed under the broker's id")
	}
	return s, nil
}

// LookupDynamic finds the setting that a name stands for, with the prefix of a
// listener or without.
func (v *Values) LookupDynamic(name string) (Setting, bool) {
	bare, _, err := v.splitListenerKey(name)
	if err != nil {
		return Setting{}, false
	}
	return v.table.Lookup(bare)
}

// splitListenerKey takes the prefix of a listener off.
func (v *Values) splitListenerKey(key string) (bare string, listener bool, err error) {
	if !isListenerKey(key) {
		return key, false, nil
	}
	name, bare, _ := strings.Cut(strings.TrimPrefix(key, listenerPrefix), ".")
	for _, l := range v.List("listeners") {
		if known, _, _ := strings.Cut(l, "://"); strings.ToLower(known) == name {
			return bare, true, nil
		}
	}
	return bare, true, fmt.Errorf("is of listener %s, which is not there; names are in lower case", name)
}

// isDynamic says whether a broker's setting can be changed while it runs.
func isDynamic(name string) bool {
	return slices.Contains(dynamicSettings, name) || slices.Contains(dynamicOfListeners, name)
}
