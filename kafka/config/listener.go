package config

import (
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Listener is one address of a broker and what is spoken there.
type Listener struct {
	Name     string // upper case
	Protocol string // PLAINTEXT or SSL
	Host     string // empty: all addresses
	Port     int    // 0: any free one
}

// Address is HOST:PORT, as net.Listen takes it.
func (l Listener) Address() string { return net.JoinHostPort(l.Host, strconv.Itoa(l.Port)) }

// String is NAME://HOST:PORT.
func (l Listener) String() string { return l.Name + "://" + l.Address() }

// Listeners are those to open: the listeners setting without the ones that
// Kafka keeps for its controllers.
func Listeners(v *Values) ([]Listener, error) {
	open, err := endpoints(v, "listeners")
	if err != nil {
		return nil, err
	}
	for i, l := range open {
		for _, before := range open[:i] {
			if before.Port == l.Port && before.Host == l.Host && l.Port != 0 {
				return nil, v.Invalid("listeners", "a port of its own for each listener")
			}
		}
	}
	return open, nil
}

// Advertised are the addresses that clients are told, one for each of the
// listeners that is advertised, by default the listeners themselves.
func Advertised(v *Values) ([]Listener, error) {
	open, err := Listeners(v)
	if err != nil {
		return nil, err
	}
	if !v.IsSet("advertised.listeners") {
		return open, nil
	}
	told, err := endpoints(v, "advertised.listeners")
	if err != nil {
		return nil, err
	}
	for _, l := range told {
		switch {
		case !slices.ContainsFunc(open, func(o Listener) bool { return o.Name == l.Name }):
			return nil, v.Invalid("advertised.listeners", "only names that listeners has, and not "+l.Name)
		case l.Host == "0.0.0.0" || l.Host == "::":
			return nil, v.Invalid("advertised.listeners", "an address that clients can connect to, and not "+l.Host)
		}
	}
	return told, nil
}

// InterBroker is the listener that the broker's own connections use.
func InterBroker(v *Values) (Listener, error) {
	open, err := Listeners(v)
	if err != nil {
		return Listener{}, err
	}
	name := strings.ToUpper(v.String("inter.broker.listener.name"))
	if name == "" {
		// Kafka takes the protocol for the listener's name.
		name = strings.ToUpper(v.String("security.inter.broker.protocol"))
		i := slices.IndexFunc(open, func(l Listener) bool { return l.Name == name })
		if i < 0 {
			return Listener{}, v.Invalid("security.inter.broker.protocol", "a protocol that is the name of a listener, or inter.broker.listener.name to say which one it is; there is no listener "+name)
		}
		return open[i], nil
	}
	if v.IsSet("security.inter.broker.protocol") {
		return Listener{}, v.Invalid("inter.broker.listener.name", "either this or security.inter.broker.protocol, not both")
	}
	i := slices.IndexFunc(open, func(l Listener) bool { return l.Name == name })
	if i < 0 {
		return Listener{}, v.Invalid("inter.broker.listener.name", "the name of a listener")
	}
	return open[i], nil
}

// endpoints reads a setting's listeners, those of controllers left out.
func endpoints(v *Values, setting string) ([]Listener, error) {
	protocols, err := protocolMap(v)
	if err != nil {
		return nil, err
	}
	controllers := v.List("controller.listener.names")
	var all []Listener
	for _, item := range v.List(setting) {
		l, err := parseEndpoint(item)
		if err != nil {
			return nil, v.Invalid(setting, err.Error())
		}
		if slices.ContainsFunc(controllers, func(name string) bool { return strings.EqualFold(name, l.Name) }) {
			continue
		}
		if slices.ContainsFunc(all, func(o Listener) bool { return o.Name == l.Name }) {
			return nil, v.Invalid(setting, "each name once, and not "+l.Name+" twice")
		}
		mapped, ok := protocols[l.Name]
		if !ok {
			return nil, v.Invalid(setting, "only names that listener.security.protocol.map has, and not "+l.Name)
		}
		if err := protocol(mapped); err != nil {
			return nil, v.Invalid(setting, "for "+l.Name+" the protocol "+err.Error())
		}
		l.Protocol = mapped
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil, v.Invalid(setting, "at least one NAME://HOST:PORT that is not for controllers only")
	}
	return all, nil
}

// parseEndpoint reads NAME://HOST:PORT; IPv6 hosts stand in brackets.
func parseEndpoint(s string) (Listener, error) {
	form := errors.New("each listener as NAME://HOST:PORT, and not " + s)
	name, address, ok := strings.Cut(s, "://")
	if !ok || name == "" {
		return Listener{}, form
	}
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return Listener{}, form
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return Listener{}, form
	}
	return Listener{Name: strings.ToUpper(name), Host: host, Port: int(port)}, nil
}

func protocolMap(v *Values) (map[string]string, error) {
	const setting = "listener.security.protocol.map"
	protocols := map[string]string{}
	for _, item := range v.List(setting) {
		name, mapped, ok := strings.Cut(item, ":")
		name = strings.ToUpper(trimJava(name))
		if !ok || name == "" {
			return nil, v.Invalid(setting, "items of the form NAME:PROTOCOL")
		}
		mapped = strings.ToUpper(trimJava(mapped))
		if !slices.Contains([]string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}, mapped) {
			return nil, v.Invalid(setting, "a security protocol of Kafka's for "+name)
		}
		if _, twice := protocols[name]; twice {
			return nil, v.Invalid(setting, "each name once, and not "+name+" twice")
		}
		protocols[name] = mapped
	}
	return protocols, nil
}

const listenerPrefix = "listener.name."

// Listener is the view of one listener's settings, its own over the others.
func (v *Values) Listener(name string) *Values {
	return v.Prefixed(listenerPrefix + strings.ToLower(name) + ".")
}

func isListenerKey(key string) bool { return strings.HasPrefix(key, listenerPrefix) }

// readListenerEntry takes a listener.name.NAME.SETTING entry. Kafka looks for
// the name in lower case only, so a name in capitals would do nothing there:
// an error here, because what it would protect stays open.
func (v *Values) readListenerEntry(e Entry) (noEffect string, err error) {
	name, bare, _ := strings.Cut(strings.TrimPrefix(e.Key, listenerPrefix), ".")
	if lower := strings.ToLower(name); lower != name {
		return "", v.unknownListener(e, listenerPrefix+lower+"."+bare)
	}
	if strings.Contains(bare, ".sasl.") {
		_, afterMechanism, _ := strings.Cut(bare, ".")
		bare = afterMechanism
	}
	s, ok := v.table.Lookup(bare)
	if !ok {
		if nearest, ok := Nearest(bare, v.table.names()); ok {
			return "", v.unknownListener(e, listenerPrefix+name+"."+nearest)
		}
		return "no setting of " + v.table.title + " has this name", nil
	}
	if err := v.take(s, e); err != nil {
		return "", err
	}
	if s.NoEffect == "" && !strings.HasPrefix(bare, "ssl.") && bare != "max.connections" && bare != "max.connection.creation.rate" {
		delete(v.set, e.Key) // else the listener's view would find it
		return "it cannot be set for one listener", nil
	}
	return s.NoEffect, nil
}

// checkListenerKeys looks for listener.name.NAME settings of listeners that
// do not exist, once all entries have been read.
func (v *Values) checkListenerKeys(entries []Entry) (notices []Notice, err error) {
	var names []string
	for _, item := range v.List("listeners") {
		name, _, _ := strings.Cut(item, "://")
		names = append(names, strings.ToLower(name))
	}
	for _, name := range v.List("controller.listener.names") {
		names = append(names, strings.ToLower(name))
	}
	for _, e := range entries {
		name, bare, _ := strings.Cut(strings.TrimPrefix(e.Key, listenerPrefix), ".")
		if !isListenerKey(e.Key) || slices.Contains(names, name) {
			continue
		}
		if nearest, ok := Nearest(name, names); ok {
			return nil, v.unknownListener(e, listenerPrefix+nearest+"."+bare)
		}
		notices = append(notices, Notice{Source: v.source, Line: e.Line, Key: e.Key, Reason: "there is no listener " + strings.ToUpper(name)})
	}
	return notices, nil
}

func (v *Values) unknownListener(e Entry, nearest string) error {
	return &UnknownError{Source: v.source, Line: e.Line, Key: e.Key, Nearest: nearest}
}
