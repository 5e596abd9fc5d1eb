package history

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// What a feature can do, as [census] counts it.
const (
	byTables = "statements on its tables"
	byDDL    = "DDL"
	byLog    = "log"
	byItself = "done"
)

// Phases of a history, for the places of DDL.
const (
	beforePhase = "before"
	insidePhase = "inside"
	behindPhase = "behind"
)

// census counts what the features of a history did. Safe for concurrent use.
type census struct {
	mu     sync.Mutex
	counts map[string]map[string]int // by feature and what it did
	phases map[string]map[string]int // DDL by feature and phase
}

func newCensus() *census {
	return &census{counts: map[string]map[string]int{}, phases: map[string]map[string]int{}}
}

func (c *census) add(feature, what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts[feature] == nil {
		c.counts[feature] = map[string]int{}
	}
	c.counts[feature][what] += n
}

// changed counts a kind of DDL that was carried out, in a phase of the backup.
func (c *census) changed(feature, phase string) {
	c.add(feature, byDDL, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phases[feature] == nil {
		c.phases[feature] = map[string]int{}
	}
	c.phases[feature][phase]++
}

func (c *census) of(feature, what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[feature][what]
}

// wants lists what has to be counted of a feature that was switched on.
func (f *Feature) wants() (list []string) {
	for what, has := range map[string]bool{
		byTables: len(f.Tables) > 0, byDDL: len(f.DDL) > 0, byLog: f.Logged != "",
		byItself: f.Transaction != nil || f.Beside != nil || f.Judge != nil || f.counts,
	} {
		if has {
			list = append(list, what)
		}
	}
	slices.Sort(list)
	return list
}

// held returns, for each feature, the least of the counts of what it has to do, and names those that did nothing.
func (c *census) held(on chosen) (held map[string]int, idle []string) {
	held = map[string]int{}
	for _, feature := range on {
		least := -1
		for _, what := range feature.wants() {
			n := c.of(feature.Name, what)
			if n == 0 {
				idle = append(idle, feature.Name+" ("+what+")")
			}
			if least < 0 || n < least {
				least = n
			}
		}
		held[feature.Name] = max(least, 0)
	}
	return held, idle
}

// places renders where a feature's DDL fell: b before the backup, i inside, a behind.
func places(phases map[string]int) string {
	var list []string
	for _, phase := range []string{beforePhase, insidePhase, behindPhase} {
		list = append(list, fmt.Sprintf("%d %s", phases[phase], phase))
	}
	return strings.Join(list, ", ")
}

func addTo(sum, more map[string]int) {
	for k, n := range more {
		sum[k] += n
	}
}

func (c *census) copyPhases() map[string]map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]map[string]int{}
	for feature, phases := range c.phases {
		all[feature] = maps.Clone(phases)
	}
	return all
}

// logCensus counts, in what mysqlbinlog prints, the lines that tell of a feature.
type logCensus struct {
	bytes int64
	rest  []byte
	wants map[string]string // feature to what its lines contain
	found map[string]int
}

func newLogCensus(on chosen) *logCensus {
	l := &logCensus{wants: map[string]string{}, found: map[string]int{}}
	for _, feature := range on {
		if feature.Logged != "" {
			l.wants[feature.Name] = feature.Logged
		}
	}
	return l
}

func (l *logCensus) Write(p []byte) (int, error) {
	l.bytes += int64(len(p))
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		for feature, want := range l.wants {
			if bytes.Contains(l.rest[:end], []byte(want)) {
				l.found[feature]++
			}
		}
		l.rest = l.rest[end+1:]
	}
}
