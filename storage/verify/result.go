package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
)

// Kind says what is wrong with an object.
type Kind string

// The kinds of problems.
const (
	Missing    Kind = "missing"    // something names it, and it is not there
	Altered    Kind = "altered"    // it is not what was written
	Unreadable Kind = "unreadable" // the store does not give it
	Chain      Kind = "chain"      // a segment holds other bytes than its neighbours say
	Window     Kind = "window"     // the archive lacks what a backup needs (W4)
	Version    Kind = "version"    // a newer tripod wrote it
)

// Problem is one thing that is wrong.
type Problem struct {
	Object string `json:"object"` // its key
	Kind   Kind   `json:"kind"`
	Detail string `json:"detail"`
}

// String prints the problem as one line.
func (p Problem) String() string { return fmt.Sprintf("%s: %s: %s", p.Kind, p.Object, p.Detail) }

// maxListed bounds how many problems, and how many keys that nobody owns, a result lists.
const maxListed = 10_000

// Result is what a run found.
type Result struct {
	OK      bool   `json:"ok"`
	Deep    bool   `json:"deep"`
	Objects uint64 `json:"objects"` // that were looked at
	Bytes   uint64 `json:"bytes"`   // that these have, stored
	// Problems are by object. More is how many are not listed.
	Problems []Problem `json:"problems"`
	More     uint64    `json:"more_problems,omitempty"`
	// Unowned are keys that nothing in the store names: what a crash left. They are no damage. Nil
	// where only one backup was looked at.
	Unowned        []string `json:"unowned,omitzero"`
	UnownedObjects *uint64  `json:"unowned_objects,omitempty"`
	UnownedBytes   uint64   `json:"unowned_bytes,omitempty"`
}

// Problem returns the fault that the result ends with; nil when all is well.
func (r *Result) Problem() error {
	if r.OK {
		return nil
	}
	hint := "get the objects back from a copy of the store, or take a new backup"
	if !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Kind != Version }) {
		hint = "use a newer tripod to read this store"
	}
	total := uint64(len(r.Problems)) + r.More
	what := "a problem was found"
	if total > 1 {
		what = fmt.Sprintf("%d problems were found, the first", total)
	}
	return fault.New(fault.CodeDifference, fault.KindIntegrity, hint, "%s: %s", what, r.Problems[0])
}

// findings collects what parallel looks find.
type findings struct {
	mu     sync.Mutex
	result Result
}

// looked counts an object that was looked at.
func (f *findings) looked(bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.result.Objects++
	f.result.Bytes += uint64(bytes)
}

func (f *findings) add(problems ...Problem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range problems {
		if len(f.result.Problems) < maxListed {
			f.result.Problems = append(f.result.Problems, p)
		} else {
			f.result.More++
		}
	}
}

func (f *findings) unowned(o storage.Object) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*f.result.UnownedObjects++
	f.result.UnownedBytes += uint64(o.Size)
	if len(f.result.Unowned) < maxListed {
		f.result.Unowned = append(f.result.Unowned, o.Key)
	}
}

// end returns the result in an order that does not hang on who was first.
func (f *findings) end() *Result {
	r := &f.result
	slices.SortStableFunc(r.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Detail, b.Detail))
	})
	r.Problems = slices.Compact(r.Problems)
	slices.Sort(r.Unowned)
	r.OK = len(r.Problems) == 0
	return r
}

// judge turns the error of a look at an object into a problem. It returns the error itself only
// where it says nothing about the object: the run was ended.
func judge(ctx context.Context, key string, err error) (Problem, error) {
	if ctx.Err() != nil {
		return Problem{}, context.Cause(ctx)
	}
	return Problem{Object: key, Kind: kindOf(err), Detail: strings.TrimPrefix(err.Error(), "object "+key+" ")}, nil
}

// kindOf is what is wrong with an object whose look ended with an error.
func kindOf(err error) Kind {
	switch f := fault.Of(err); {
	case errors.Is(err, storage.ErrNotFound):
		return Missing
	case f != nil && f.Kind == fault.KindVersion:
		return Version
	case f != nil && f.Kind == fault.KindIntegrity:
		return Altered
	}
	return Unreadable
}
