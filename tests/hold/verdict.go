package hold

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// bound is one line of the table: a longest duration and what it may be at most.
type bound struct {
	who, what string
	measured  durations
	limit     time.Duration // 0: nothing is demanded, it is what another is compared with
}

func (r Report) bounds(c Config) []bound {
	hold := c.MaxHold + tolerance
	return []bound{
		{"backup user", "a statement", r.Statements, hold},
		{"backup user", "a transaction", r.Transactions, hold},
		{"ALTER", "alone", r.AltersAlone, 0},
		{"ALTER", "beside the backup", r.Alters, r.AltersAlone.longest + c.MaxHold},
		{"application", "a statement, alone", r.ApplicationAlone, 0},
		{"application", "a statement, beside the backup", r.Application, r.ApplicationAlone.longest + c.MaxHold},
	}
}

// Verdict prints the table and returns what is broken.
func (r Report) Verdict(c Config, out io.Writer) error {
	lines := []string{"who\twhat\tnumber\tlongest\tallowed\t\tthe longest\n"}
	var broken []error
	fail := func(format string, args ...any) { broken = append(broken, fmt.Errorf(format, args...)) }
	for _, b := range r.bounds(c) {
		verdict, allowed := "", ""
		if b.limit > 0 {
			verdict, allowed = "kept", fmt.Sprintf("%.3f s", b.limit.Seconds())
			if b.measured.longest > b.limit {
				verdict = "BROKEN"
				fail("%s, %s: %s, more than %s: %s", b.who, b.what, b.measured.longest, b.limit, oneLine(b.measured.what))
			}
		}
		if b.measured.count == 0 {
			fail("%s, %s: nothing was measured", b.who, b.what)
		}
		lines = append(lines, fmt.Sprintf("%s\t%s\t%d\t%.3f s\t%s\t%s\t%.60s\n", b.who, b.what, b.measured.count, b.measured.longest.Seconds(), allowed, verdict, oneLine(b.measured.what)))
	}
	lines = append(lines, fmt.Sprintf("backup user\tFLUSH and LOCK statements\t%d\t\tnone\t\tof %d lines in the general log\n", len(r.Locking), r.Logged))
	if len(r.Locking) > 0 {
		fail("the backup user sent %q", r.Locking[0])
	}
	if r.Logged == 0 {
		fail("the general log has no line of the backup user")
	}
	if r.BytesRead < c.Bytes {
		fail("the backup read %d bytes, want %d", r.BytesRead, c.Bytes)
	}
	w := tabwriter.NewWriter(out, 2, 8, 2, ' ', 0)
	_, err := io.WriteString(w, strings.Join(lines, ""))
	if err = errors.Join(err, w.Flush()); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	if _, err := fmt.Fprintf(out, "%d backups in %.1f s, each of %d rows, %.0f MB and more; %d tables were read again because of the ALTERs\n",
		r.Backups, r.Seconds, r.Rows, float64(r.BytesRead)/1e6, r.ReadAgain); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return errors.Join(broken...)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
