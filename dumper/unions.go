package dumper

import (
	"fmt"
	"sync"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
)

// unions are the tables that a MERGE table shows, or has shown since floor. Rows that are changed through
// that are logged under its name alone, so nobody can tell whose they were: such a table is refused.
type unions struct {
	mu sync.Mutex
	of map[schema.Name]schema.Name
}

func (u *unions) add(found map[schema.Name]schema.Name) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.of == nil {
		u.of = map[schema.Name]schema.Name{}
	}
	for child, merge := range found {
		u.of[child] = merge
	}
}

// refuse returns the fault of a table that is one of them, nil for others.
func (u *unions) refuse(n schema.Name) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	merge, ok := u.of[n]
	if !ok {
		return nil
	}
	return fault.New(fault.CodeFailed, fault.KindSource, fmt.Sprintf("take it out of the UNION of %s, or leave it out with --exclude %s", merge.Quoted(), schema.Patterns(n)),
		"%s is a part of the MERGE table %s: rows that are changed through that are logged under its name alone", n, merge)
}
