package local

// StartsGather says whether changes of log starts wait to be written.
func (s *Store) StartsGather() bool {
	c := s.dirs[0].starts
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gathering != nil
}
