package window

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Report counts what a simulation held.
type Report struct {
	First, Last  uint64 // seeds
	Keyed        int    // histories of tables with a key
	Keyless      int    // and without
	Changes      int    // rows changed
	Inside       int    // of them, those in windows
	Filled       int    // windows with changes in them
	Chunks       int
	Unordered    int // dumps that had not seen a transaction though they had seen a later one
	Rules        []RuleReport
	Took         time.Duration
	transactions int
}

// RuleReport is what a rule made of the histories.
type RuleReport struct {
	Name  string
	Naive bool
	Tried int
	// Failed is in how many it failed; Stopped how many of these restores came to no end.
	Failed, Stopped int
	// Example is the seed of the failure with the fewest changes in its window, the lowest of those.
	Example  uint64
	smallest int
}

func newReport(seed uint64) *Report {
	r := &Report{First: seed, Last: seed}
	for i := range rules {
		r.Rules = append(r.Rules, RuleReport{Name: rules[i].name, Naive: rules[i].naive})
	}
	return r
}

// history counts one.
func (r *Report) history(h *history) {
	r.Last = max(r.Last, h.seed)
	if h.keyed() {
		r.Keyed++
	} else {
		r.Keyless++
	}
	r.transactions += len(h.logged)
	for _, t := range h.logged {
		r.Changes += len(t)
	}
	if n := h.inside(); n > 0 {
		r.Filled++
		r.Inside += n
	}
	r.Chunks += len(h.chunks)
	for _, c := range h.chunks {
		if len(c.late) > 0 {
			r.Unordered++
			break
		}
	}
}

// verdict counts what a rule made of a history.
func (r *Report) verdict(number int, h *history, v verdict) {
	of := &r.Rules[number]
	of.Tried++
	if v.problem == "" {
		return
	}
	size := h.inside()
	if of.Failed == 0 || size < of.smallest || size == of.smallest && h.seed < of.Example {
		of.Example, of.smallest = h.seed, size
	}
	of.Failed++
	if v.stopped {
		of.Stopped++
	}
}

// Unseen names the naive rules that have never failed: of these the simulator has seen nothing.
func (r *Report) Unseen() (names []string) {
	for _, of := range r.Rules {
		if of.Naive && of.Failed == 0 {
			names = append(names, of.Name)
		}
	}
	return names
}

// Err is an error where a real rule has failed, or a naive one never.
func (r *Report) Err() error {
	var errs []error
	for _, of := range r.Rules {
		switch {
		case of.Tried == 0:
			errs = append(errs, fmt.Errorf("%s: never tried", of.Name))
		case of.Naive && of.Failed == 0:
			errs = append(errs, fmt.Errorf("%s: never failed in %d histories", of.Name, of.Tried))
		case !of.Naive && of.Failed > 0:
			errs = append(errs, fmt.Errorf("%s: failed in %d histories of %d", of.Name, of.Failed, of.Tried))
		}
	}
	return errors.Join(errs...)
}

// Write prints the report.
func (r *Report) Write(out io.Writer) error {
	_, err := fmt.Fprintf(out, "%d histories of tables with a key, %d of tables without (seeds %d..%d) in %.1f minutes: %d transactions, %d rows changed, %d of them in %d windows; "+
		"%d chunks; %d dumps that had seen a later transaction and not an earlier one\n",
		r.Keyed, r.Keyless, r.First, r.Last, r.Took.Minutes(), r.transactions, r.Changes, r.Inside, r.Filled, r.Chunks, r.Unordered)
	if err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	w := tabwriter.NewWriter(out, 2, 8, 2, ' ', 0)
	fmt.Fprintf(w, "rule\t\thistories\tfailed\tstopped\tthe shortest: seed\n")
	for _, of := range r.Rules {
		kind, example := "real", ""
		if of.Naive {
			kind = "naive"
		}
		if of.Failed > 0 {
			example = fmt.Sprint(of.Example)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\n", of.Name, kind, of.Tried, of.Failed, of.Stopped, example)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}
