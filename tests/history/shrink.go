package history

import (
	"context"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Shrink makes a failed history smaller as long as it fails in the same way, until nothing more can go or the time is
// over: first whole tables, then transactions, then statements and reads of chunks. A history that does not fail when its
// statements run one after the other is returned as it is, and false with it.
func Shrink(ctx context.Context, f *Fleet, c Config, r *Recorded, limit time.Duration, out io.Writer) (*Recorded, bool, error) {
	r = r.trimmed()
	s := &shrinker{fleet: f, config: c, small: r, until: time.Now().Add(limit), began: time.Now(), out: out}
	failed, err := s.fails(ctx, r)
	if err != nil || !failed {
		return r, false, err
	}
	limited, stop := context.WithDeadline(ctx, s.until)
	defer stop()
	for _, pass := range []func(*Recorded) [][]int{tableGroups, transactionGroups, statementGroups} {
		if err := s.pass(limited, pass); err != nil {
			return s.small, true, err
		}
	}
	// What did nothing was left out unseen.
	small := s.small
	if failed, err = s.fails(ctx, small); err == nil && !failed {
		fmt.Fprintln(out, "the last of these does not fail each time that its statements run one after the other")
	}
	return small, true, err
}

// shrinker holds the smallest history that failed so far.
type shrinker struct {
	fleet  *Fleet
	config Config
	small  *Recorded
	began  time.Time
	until  time.Time
	tries  int
	out    io.Writer
}

// fails replays a history, and keeps it, without what did nothing, where it fails as the first one did.
func (s *shrinker) fails(ctx context.Context, r *Recorded) (bool, error) {
	report, err := Replay(ctx, s.fleet, s.config, r)
	if err != nil {
		return false, err
	}
	s.tries++
	kind := failureKind(report.Failure)
	if kind == "" || s.small.Failure != "" && kind != s.small.Failure {
		return false, nil
	}
	kept := *r
	kept.Failure = kind
	kept.steps = nil
	for i, step := range r.steps {
		if report.done[i] || behind(report.done, i) {
			kept.steps = append(kept.steps, step)
		}
	}
	kept.steps = withoutEmpty(&kept)
	s.small = &kept
	fmt.Fprintf(s.out, "fails with %d transactions, %d statements, %d chunks (%d replays, %.0f s)\n", len(transactionGroups(&kept)),
		kept.count(""), kept.count(markChunk), s.tries, time.Since(s.began).Seconds())
	return true, nil
}

// behind tells whether nothing was done from i on: a replay ends where it fails, and what follows was not tried.
func behind(done []bool, i int) bool { return !slices.Contains(done[i:], true) }

// trimmed leaves out what came behind the stop point at which the history failed.
func (r *Recorded) trimmed() *Recorded {
	if r.Stop < 0 {
		return r
	}
	short, stops := *r, 0
	for i, s := range r.steps {
		if what, _ := s.mark(); what != markStop {
			continue
		}
		if stops == r.Stop {
			short.steps = r.steps[:i+1]
			break
		}
		stops++
	}
	return &short
}

var frameText = regexp.MustCompile(`^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT \w+|ROLLBACK TO \w+)$`)

// withoutEmpty leaves out the transactions of which only the frame is left: they are not logged.
func withoutEmpty(r *Recorded) (steps []step) {
	gone := map[int]bool{}
	for _, group := range transactionGroups(r) {
		if !slices.ContainsFunc(group, func(n int) bool { return !frameText.MatchString(r.steps[n].sql) }) {
			for _, n := range group {
				gone[n] = true
			}
		}
	}
	for n, s := range r.steps {
		if !gone[n] {
			steps = append(steps, s)
		}
	}
	return steps
}

// count counts the steps of a mark, or the statements.
func (r *Recorded) count(mark string) (n int) {
	for _, s := range r.steps {
		if what, _ := s.mark(); what == mark {
			n++
		}
	}
	return n
}

// pass removes as many groups of steps as it can.
func (s *shrinker) pass(ctx context.Context, groups func(*Recorded) [][]int) error {
	all := groups(s.small)
	from := s.small
	return minimize(len(all), func(kept []int) (bool, error) {
		if time.Now().After(s.until) {
			return false, errTimeIsOver
		}
		gone := map[int]bool{}
		for i, group := range all {
			if !slices.Contains(kept, i) {
				for _, n := range group {
					gone[n] = true
				}
			}
		}
		smaller := *from
		smaller.Failure, smaller.steps = s.small.Failure, nil
		for n, step := range from.steps {
			if !gone[n] {
				smaller.steps = append(smaller.steps, step)
			}
		}
		failed, err := s.fails(ctx, &smaller)
		if ctx.Err() != nil { // a replay that was cut off says nothing
			return false, errTimeIsOver
		}
		return failed, err
	})
}

var createText = regexp.MustCompile("^CREATE TABLE `[^`]+`\\.`([^`]+)`")

// tableGroups are the steps that name a table of the setup, or one that took its name from it.
func tableGroups(r *Recorded) (groups [][]int) {
	tables := map[string][]int{}
	var order []string
	for _, s := range r.steps {
		if found := createText.FindStringSubmatch(s.sql); s.session == setupSession && found != nil {
			order = append(order, found[1])
		}
	}
	for i, s := range r.steps {
		if what, _ := s.mark(); what != "" && what != markChunk && what != markCounter && what != markNoCount {
			continue
		}
		for _, t := range order {
			if strings.Contains(s.sql, "`"+t+"`") || strings.Contains(s.sql, "`"+t+"_") {
				tables[t] = append(tables[t], i)
			}
		}
	}
	for _, t := range slices.Sorted(maps.Keys(tables)) {
		groups = append(groups, tables[t])
	}
	return groups
}

// transactionGroups are the transactions, and statements outside of any, behind the setup. A counter's mark goes with the
// transaction that moved it.
func transactionGroups(r *Recorded) (groups [][]int) {
	open := map[string][]int{}
	for i, s := range r.steps {
		what, _ := s.mark()
		switch {
		case s.session == setupSession:
			continue
		case what == markCounter && len(groups) > 0:
			groups[len(groups)-1] = append(groups[len(groups)-1], i)
			continue
		case what != "":
			continue
		}
		begins := s.sql == "BEGIN"
		if open[s.session] == nil && !begins {
			groups = append(groups, []int{i})
			continue
		}
		open[s.session] = append(open[s.session], i)
		if ends := s.sql == "COMMIT" || s.sql == "ROLLBACK"; ends {
			groups = append(groups, open[s.session])
			delete(open, s.session)
		}
	}
	for _, session := range slices.Sorted(maps.Keys(open)) {
		groups = append(groups, open[session])
	}
	return groups
}

// statementGroups are single statements, those of the setup too, and chunks.
func statementGroups(r *Recorded) (groups [][]int) {
	began := map[string]bool{}
	for i, s := range r.steps {
		what, _ := s.mark()
		first := what == "" && !began[s.session]
		began[s.session] = true
		if first || s.session == probeSession || what != "" && what != markChunk {
			continue // a session's settings; what a counter rests on
		}
		if s.sql != "BEGIN" && s.sql != "COMMIT" && s.sql != "ROLLBACK" {
			groups = append(groups, []int{i})
		}
	}
	return groups
}

// Story tells a record as SQL, for people.
func (r *Recorded) Story() string {
	var b strings.Builder
	for _, s := range r.steps {
		if s.session == harness {
			fmt.Fprintf(&b, "-- %s\n", s.sql)
			continue
		}
		fmt.Fprintf(&b, "/* %s */ %s;\n", s.session, s.sql)
	}
	return b.String()
}
