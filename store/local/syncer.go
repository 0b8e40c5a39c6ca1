package local

import "sync"

// syncWidth is how many files of one directory are synced side by side: the
// file system's journal then serves many of them with one write.
const syncWidth = 16

// syncer is the sync loop of one directory. It syncs as soon as it is idle;
// while it does, appends gather for the next round. There is no tick.
type syncer struct {
	mu     sync.Mutex // guards queue and queued
	queue  []*Log
	queued map[*Log]bool

	wake chan struct{} // holds one
	quit chan struct{}
	done chan struct{}
}

func newSyncer() *syncer {
	s := &syncer{
		queued: map[*Log]bool{}, wake: make(chan struct{}, 1),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	go s.run()
	return s
}

// add asks for a sync of the log in the next round. It never blocks.
func (s *syncer) add(l *Log) {
	s.mu.Lock()
	if !s.queued[l] {
		s.queued[l] = true
		s.queue = append(s.queue, l)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *syncer) run() {
	defer close(s.done)
	for {
		select {
		case <-s.wake:
			s.round()
		case <-s.quit:
			s.round()
			return
		}
	}
}

// round syncs the logs that are waiting.
func (s *syncer) round() {
	s.mu.Lock()
	logs := s.queue
	s.queue = nil
	clear(s.queued)
	s.mu.Unlock()
	sideBySide(logs, func(_ int, l *Log) { l.sync() })
}

// sideBySide calls act with each log, a bounded number at a time.
func sideBySide(logs []*Log, act func(int, *Log)) {
	if len(logs) == 1 {
		act(0, logs[0])
		return
	}
	var running sync.WaitGroup
	slots := make(chan struct{}, syncWidth)
	for i, l := range logs {
		slots <- struct{}{}
		running.Go(func() {
			act(i, l)
			<-slots
		})
	}
	running.Wait()
}

// stop ends the loop after a last round.
func (s *syncer) stop() {
	close(s.quit)
	<-s.done
}
