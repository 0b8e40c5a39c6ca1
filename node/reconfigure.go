package node

import (
	"fmt"

	"schloss/broker"
	"schloss/kafka/config"
)

// takeDynamic lays the settings that were changed while an earlier process ran
// over those of the file. Those that cannot be honoured any more stop the start:
// without them a listener might be less strict than it was.
func (n *running) takeDynamic() error {
	dynamic := broker.DynamicOf(n.store.Metadata().Image(), nodeID(n.values))
	if len(dynamic.Own)+len(dynamic.All) == 0 {
		return nil
	}
	for _, layer := range []struct {
		settings map[string]string
		own      bool
	}{{dynamic.Own, true}, {dynamic.All, false}} {
		if err := n.values.CheckDynamic(layer.settings, layer.own); err != nil {
			return fmt.Errorf("settings that were changed at run time: %w", err)
		}
	}
	n.values = n.values.With(dynamic)
	var err error
	if n.endpoints, err = endpointsOf(n.values, n.log); err != nil {
		return fmt.Errorf("settings that were changed at run time: %w", err)
	}
	return nil
}

// reconfigure checks what the broker's settings are to become, and returns what
// makes them take effect in the listeners. The broker calls one at a time.
func (n *running) reconfigure(next *config.Values) (apply func(), err error) {
	var deeds []func()
	for i := range n.endpoints {
		e := &n.endpoints[i]
		values := next.Listener(e.Name)
		if !config.Same(e.values, values, "ssl.") {
			if e.tls == nil {
				return nil, fmt.Errorf("listener %s speaks %s: its ssl settings would do nothing", e.Name, e.Protocol)
			}
			renew, err := e.tls.Renew(values)
			if err != nil {
				return nil, fmt.Errorf("listener %s: %w", e.Name, err)
			}
			deeds = append(deeds, renew)
		}
		deeds = append(deeds, func() {
			e.values = values
			e.limits.Set(values.Int("max.connections"), 0)
			e.limits.Rate.Set(values.Int("max.connection.creation.rate"))
		})
	}
	return func() {
		for _, do := range deeds {
			do()
		}
		n.limits.Set(n.maxConnections(next), next.Int("max.connections.per.ip"))
		n.limits.Rate.Set(next.Int("max.connection.creation.rate"))
	}, nil
}
