package server

import "sync"

// spare is the memory of one long packet, shared by the connections of a Server: those that read
// long rows in turn use it again instead of leaving it to the garbage collector, which may come
// late (promise 8). Safe for concurrent use.
type spare struct {
	mu     sync.Mutex
	memory []byte
}

// take returns memory for size bytes; nil where there is none.
func (s *spare) take(size int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	memory := s.memory
	if cap(memory) >= size || cap(memory) > 0 && size > keepBuffer {
		s.memory = nil // too small: not both at once
	}
	if cap(memory) < size {
		return nil
	}
	return memory[:0]
}

// put keeps memory, if it is more than there is.
func (s *spare) put(memory []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cap(memory) > cap(s.memory) {
		s.memory = memory
	}
}
