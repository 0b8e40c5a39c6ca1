package mirror

import (
	"context"
	"fmt"
	"time"
)

// commitWithin bounds one commit.
const commitWithin = 10 * time.Second

// commitEvery commits the positions until the context ends. A partition that
// begins without a position has its first one committed at once: it is
// remembered even if no record ever comes.
func (m *Mirror) commitEvery(ctx context.Context) {
	interval := m.config.CommitInterval
	if interval <= 0 {
		interval = time.Minute
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-m.dirty:
		}
		m.commit(ctx)
	}
}

// touch has positions committed soon.
func (m *Mirror) touch() {
	select {
	case m.dirty <- struct{}{}:
	default:
	}
}

// commit commits the positions of all partitions that are ours.
func (m *Mirror) commit(ctx context.Context) {
	m.committing.Lock()
	defer m.committing.Unlock()
	m.mu.Lock()
	ours := make([]*partition, 0, len(m.given))
	for _, p := range m.given {
		if p.stream != nil {
			ours = append(ours, p)
		}
	}
	m.mu.Unlock()
	m.commitOf(ctx, ours)
}

// commitOf commits what has moved. m.committing must be held: a partition that
// is given back meanwhile must not be committed any more.
func (m *Mirror) commitOf(ctx context.Context, ps []*partition) {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	moved := m.mode.commit(ctx, ps)
	if len(moved) == 0 {
		return
	}
	if err := m.group.commit(ctx, moved); err != nil {
		m.notice(fmt.Sprintf("commit the positions of %d partitions: %v", len(moved), err))
		return
	}
	for _, p := range ps {
		p.stream.mu.Lock()
		if at, ok := moved[p.tp]; ok {
			p.committed = at
		}
		p.stream.mu.Unlock()
	}
}
