package progress

import (
	"slices"
	"sync"
	"time"
)

// waits are the reasons for which work stands still now, in the order in which they came.
type waits struct {
	now  func() time.Time
	mu   sync.Mutex
	list []*wait
}

type wait struct {
	why   string
	since time.Time
}

func (w *waits) begin(why string) (over func()) {
	one := &wait{why: why, since: w.now()}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, one)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.list = slices.DeleteFunc(w.list, func(o *wait) bool { return o == one })
	}
}

// oldest returns the reason that has stood longest, "" for none.
func (w *waits) oldest() (why string, lasts time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.list) == 0 {
		return "", 0
	}
	return w.list[0].why, w.now().Sub(w.list[0].since)
}
