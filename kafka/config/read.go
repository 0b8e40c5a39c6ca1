package config

import "fmt"

// Read checks the entries against the table and fills in the defaults.
// The first wrong entry is returned as a *ValueError, one that is nearly a
// known one as an *UnknownError. Settings without effect give a Notice each.
func (t *Table) Read(p *Properties) (*Values, []Notice, error) {
	v := &Values{table: t, source: p.source, set: make(map[string]given, len(p.entries))}
	var notices []Notice
	for _, e := range p.entries {
		reason, err := t.readEntry(v, e)
		if err != nil {
			return nil, nil, err
		}
		if reason != "" {
			notices = append(notices, Notice{Source: p.source, Line: e.Line, Key: e.Key, Reason: reason})
		}
	}
	if t == Server {
		more, err := v.checkListenerKeys(p.entries)
		if err != nil {
			return nil, nil, err
		}
		notices = append(notices, more...)
	}
	return v, notices, nil
}

// readEntry takes one entry into v and says why it has no effect, if it has
// none.
func (t *Table) readEntry(v *Values, e Entry) (noEffect string, err error) {
	setting, ok := t.Lookup(e.Key)
	if !ok {
		if t == Server && isListenerKey(e.Key) {
			return v.readListenerEntry(e)
		}
		return t.unknown(v.source, e)
	}
	return setting.NoEffect, v.take(setting, e)
}

// take checks the value and keeps it.
func (v *Values) take(s Setting, e Entry) error {
	text := trimJava(e.Value)
	if err := s.check(text); err != nil {
		shown := text
		if s.Kind == Password {
			shown = ""
		}
		return &ValueError{Source: v.source, Line: e.Line, Key: e.Key, Value: shown, Want: err.Error()}
	}
	v.set[e.Key] = given{text: text, line: e.Line}
	return nil
}

func (t *Table) unknown(source string, e Entry) (noEffect string, err error) {
	// One file often serves several clients: what another table knows is no
	// slip, however near it is to a name of this one (key.serializer).
	if title := otherTable(t, e.Key); title != "" {
		return "it is a setting of " + title, nil
	}
	if nearest, ok := Nearest(e.Key, t.names()); ok {
		return "", &UnknownError{Source: source, Line: e.Line, Key: e.Key, Nearest: nearest}
	}
	return fmt.Sprintf("no setting of %s has this name", t.title), nil
}
