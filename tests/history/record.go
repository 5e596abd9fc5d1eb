package history

import "sync"

// record is all that happened to the source in a history, in the order of completion. Safe for concurrent use.
type record struct {
	mu    sync.Mutex
	steps []step
}

// step is a statement of a session.
type step struct {
	session string
	sql     string
	refused bool // by the server
}

func (r *record) statement(session, sql string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, step{session: session, sql: sql, refused: err != nil})
}
