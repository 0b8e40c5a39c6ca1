package ssl

import "schloss/kafka/config"

// Renew reads other ssl.* settings for the same listener. Handshakes follow them
// once apply is called. It must not be called while another Renew is applied.
func (r *Reloader) Renew(v *config.Values) (apply func(), err error) {
	next, err := ServerConfig(v)
	if err != nil {
		return nil, err
	}
	return func() {
		r.mu.Lock()
		r.settings, r.key, r.trust = next.settings, next.key, next.trust
		r.current.Store(next.current.Load())
		r.mu.Unlock()
		r.sayNotices()
	}, nil
}
