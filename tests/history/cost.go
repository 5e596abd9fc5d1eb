package history

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Parts of the time of a history beside its stages and the commands of tripod. Most lie in a stage.
const (
	partStart   = "start of servers"
	partReset   = "reset of servers"
	partTruth   = "truth"
	partEmpty   = "emptying of the target"
	partCompare = "comparison"
)

// cost is where the time of histories goes, as the clock has it and as the processors do. Safe for concurrent use; a nil one
// counts nothing.
type cost struct {
	mu    sync.Mutex
	clock map[string]time.Duration // by part of a history
	cpu   map[string]time.Duration // by process
}

func newCost() *cost {
	return &cost{clock: map[string]time.Duration{}, cpu: map[string]time.Duration{}}
}

// took counts what a part took by the clock.
func (c *cost) took(part string, d time.Duration) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock[part] += d
}

// since counts what a part took that began then.
func (c *cost) since(part string, began time.Time) { c.took(part, time.Since(began)) }

// used counts what a process used of the processors.
func (c *cost) used(process string, d time.Duration) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cpu[process] += d
}

// ended counts what a process used that has ended; nil where it never began.
func (c *cost) ended(process string, state *os.ProcessState) {
	if state != nil {
		c.used(process, state.UserTime()+state.SystemTime())
	}
}

// serving counts what a server uses until the returned function is called; nothing where it was started anew meanwhile.
func (c *cost) serving(name string, s *mysqltest.Server) (until func()) {
	before := s.CPUTime()
	return func() { c.used(name, max(0, s.CPUTime()-before)) }
}

func (c *cost) add(other *cost) {
	if other == nil {
		return
	}
	for part, d := range other.clock {
		c.took(part, d)
	}
	for process, d := range other.cpu {
		c.used(process, d)
	}
}

// Seconds tells where the time of the history went.
func (r Report) Seconds() string {
	if r.cost == nil {
		return ""
	}
	return r.cost.each(1)
}

// each tells what one of so many histories took, the dearest first.
func (c *cost) each(histories int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := func(d time.Duration) float64 { return d.Seconds() / float64(max(histories, 1)) }
	list := func(m map[string]time.Duration) string {
		var text []string
		for _, name := range slices.SortedFunc(maps.Keys(m), func(a, b string) int { return int(m[b] - m[a]) }) {
			text = append(text, fmt.Sprintf("%s %.2f", name, of(m[name])))
		}
		return strings.Join(text, ", ")
	}
	var all time.Duration
	for _, d := range c.cpu {
		all += d
	}
	return fmt.Sprintf("  seconds of a history by the clock: %s\n  and of the processors, %.2f: %s\n", list(c.clock), of(all), list(c.cpu))
}

// ownTime is what this process has used of the processors.
func ownTime() (time.Duration, error) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0, fmt.Errorf("ask for the time that was used: %w", err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), nil
}
