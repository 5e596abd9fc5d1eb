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
	target := h.servers.Target
	drops := []string{"SET foreign_key_checks=0"} // keys may cross schemas
	for _, s := range schemas {
		drops = append(drops, "DROP DATABASE IF EXISTS "+quote(s))
	}
	drops = append(drops, "SET foreign_key_checks=1")
	if err := target.Exec(ctx, drops...); err != nil {
		return err
	}
	args := []string{"restore", "--store", h.store(), "--instance", instance, "--target", target.URL(mysqltest.RestoreUser)}
	if p.flag != "" {
		args = append(args, p.flag, p.value)
	}
	var result struct {
		Rows    int      `json:"rows_loaded"`
		Txns    int      `json:"transactions_replayed"`
		Changed []string `json:"definers_changed"`
	}
	o, err := h.prog.must(ctx, &result, args...)
	if err != nil {
		return fmt.Errorf("restore %s %s: %w", p.flag, p.value, err)
	}
	h.report.Restores += o.took
	restored, err := truth.Take(ctx, target.Root(), schemas...)
	if err != nil {
		return err
	}
	d := p.truth.Differences(restored)
	d = append(d, p.truth.CounterDifferences(restored, p.atLeast, p.exact)...)
	d = append(d, p.truth.DefinerDifferences(restored, mysqltest.RestoreUser.Name+"@%", h.mayDefine, result.Changed)...)
	if len(d) > 0 {
		return fmt.Errorf("restored %s %s, but it differs:\n%s", p.flag, p.value, strings.Join(d[:min(len(d), 30)], "\n"))
	}
	h.report.Counters += len(p.exact)
	h.report.Definers += restored.Definers()
	h.logf("restored %s: %d rows loaded, %d transactions replayed, %s: equal", p.flag, result.Rows, result.Txns, o.took.Round(time.Millisecond))
	return nil
}
