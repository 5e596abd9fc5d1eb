package history

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/truth"
)

func (h *run) restore(ctx context.Context, p stopPoint) error {
	if err := h.emptyTarget(ctx); err != nil {
		return err
	}
	return h.judge(ctx, p)
}

func (h *run) emptyTarget(ctx context.Context) error {
	defer h.report.cost.since(partEmpty, time.Now())
	if err := h.servers.Target.RemoveStrays(); err != nil {
		return err
	}
	drops := []string{"SET foreign_key_checks=0"} // keys may cross schemas
	for _, s := range schemas {
		drops = append(drops, "DROP DATABASE IF EXISTS "+quote(s))
	}
	drops = append(drops, "SET foreign_key_checks=1")
	if err := h.servers.Target.Exec(ctx, drops...); err != nil {
		return err
	}
	return h.dropUsers(ctx)
}

// judge restores a stop point and compares.
func (h *run) judge(ctx context.Context, p stopPoint) error {
	var result struct {
		Rows    int      `json:"rows_loaded"`
		Txns    int      `json:"transactions_replayed"`
		Changed []string `json:"definers_changed"`
	}
	o, err := h.prog.must(ctx, &result, append(h.restoreArgs(p), "--log-level", "debug")...)
	if exclude := h.withoutStatements(err); exclude != "" {
		return h.judgeTheOthers(ctx, p, exclude)
	}
	if err != nil {
		return fmt.Errorf("restore %s %s: %w", p.flag, p.value, err)
	}
	h.report.Restores += o.took
	restored, d, err := h.differences(ctx, p)
	if err != nil {
		return err
	}
	d = append(d, p.truth.DefinerDifferences(restored, mysqltest.RestoreUser.Name+"@%", h.mayDefine, result.Changed)...)
	if len(d) > 0 {
		return fmt.Errorf("restored %s %s, but it differs:\n%s\n%s\n%s", p.flag, p.value, strings.Join(d[:min(len(d), 30)], "\n"), o.stdout, counterLines(o.stderr))
	}
	h.report.Counters += len(p.exact)
	h.report.Definers += restored.Definers()
	h.holds(definers.Name, restored.Definers())
	h.logf("restored %s: %d rows loaded, %d transactions replayed, %s: equal", p.flag, result.Rows, result.Txns, o.took.Round(time.Millisecond))
	return nil
}

// differences compares the target with the truth of a stop point, in all but definers.
func (h *run) differences(ctx context.Context, p stopPoint) (*truth.Truth, []string, error) {
	defer h.report.cost.since(partCompare, time.Now())
	restored, err := h.takeRestored(ctx)
	if err != nil {
		return nil, nil, err
	}
	accounts, err := h.takeAccounts(ctx, h.servers.Target)
	if err != nil {
		return nil, nil, err
	}
	h.report.compared(restored)
	d := append(p.truth.Differences(restored), p.truth.CounterDifferences(restored, p.atLeast, p.exact)...)
	return restored, append(d, p.accounts.OfTables(p.truth).Differences(accounts)...), nil
}

// counterLines are the lines of a restore's log that tell what it made of counters: a difference in
// one of them is too rare to be looked for again.
func counterLines(log string) string {
	var lines []string
	for line := range strings.Lines(log) {
		if strings.Contains(line, "msg=counter") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.Join(lines, "\n")
}
