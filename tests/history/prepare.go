package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// setupSession is the name of the session that makes tables and their first rows.
const setupSession = "setup"

func (h *run) prepare(ctx context.Context) error {
	h.chunkRows, h.threads = max(4, h.Rows/7)+h.r.IntN(max(1, h.Rows*3/7)), 4+h.r.IntN(3)
	h.mayDefine = h.features.has(definers.Name) && h.r.IntN(3) == 0 || h.features.has(users.Name)
	between := int(h.between().Milliseconds())
	sleep := fmt.Sprintf("betweenChunks=sleep(%d)", between*12/20+h.r.IntN(max(1, between*16/20)))
	if err := h.equip(ctx, h.asked, sleep); err != nil {
		return err
	}
	setup, err := h.open(ctx, setupSession, "SET NAMES utf8mb4, sql_mode='ALLOW_INVALID_DATES', foreign_key_checks=0")
	if err != nil {
		return err
	}
	defer setup.close()
	var statements []string
	statements, h.shapes = layout(h.r, h.features)
	if err := setup.all(ctx, statements...); err != nil {
		return err
	}
	if err := h.live.refresh(ctx, h.source, h.kind()); err != nil {
		return err
	}
	if err := h.fill(ctx, setup); err != nil {
		return err
	}
	_, err = h.moveCounters(ctx)
	return err
}

// equip makes what every run of a history needs: servers as if new, accounts, a folder, a gate, tripod with its
// failpoints. Little data, but many chunks make wide windows.
func (h *run) equip(ctx context.Context, came func(table string), failpoints ...string) error {
	var err error
	if h.folder, err = os.MkdirTemp(mysqltest.TempDir(), "tripod-history-"); err != nil {
		return err
	}
	if err := h.setGlobals(ctx); err != nil {
		return err
	}
	began := time.Now()
	for _, s := range []*mysqltest.Server{h.servers.Source, h.servers.Target} {
		if err := s.Reset(ctx); err != nil {
			return err
		}
	}
	h.report.cost.since(partReset, began)
	backup, restore, err := h.accounts(ctx)
	if err != nil {
		return err
	}
	if h.gate, err = newGate(ctx, h.gateAddress(), came); err != nil {
		return err
	}
	failpoints = append(failpoints, fmt.Sprintf("chunkRows=return(%d)", h.chunkRows), fmt.Sprintf("gate=return(%q)", h.gateAddress()))
	if h.features.has(killBackups.Name) { // whatever is finished is known to the next run
		failpoints = append(failpoints, "journalOften=return(1)")
	}
	for i, f := range failpoints {
		failpoints[i] = dumperPackage + "/" + f
	}
	if h.Failpoints != "" {
		failpoints = append(failpoints, module+h.Failpoints)
	}
	h.prog = program{binary: h.Binary, cost: h.report.cost, env: []string{
		"TRIPOD_SOURCE_PASSWORD=" + backup.Password, "TRIPOD_TARGET_PASSWORD=" + restore.Password,
		"XDG_STATE_HOME=" + filepath.Join(h.folder, "state"), "GO_FAILPOINTS=" + strings.Join(failpoints, ";"),
	}}
	h.source = h.servers.Source.Root()
	return nil
}

// asked notes that the backup asks for a chunk of a table.
func (h *run) asked(table string) {
	h.record.mark(markChunk, table)
	h.chunkOf.Store(table)
}

// accounts makes those of tripod. The account that restores exists on the source too: it
// defines some objects there, and those keep their definer. In a third of the histories it may
// set any definer.
func (h *run) accounts(ctx context.Context) (backup, restore mysqltest.User, err error) {
	source, target := h.servers.Source, h.servers.Target
	backup, err = source.CreateBackupUser(ctx)
	_, definerErr := source.CreateRestoreUser(ctx, schemas...)
	restore, restoreErr := target.CreateRestoreUser(ctx, schemas...)
	if err := errors.Join(err, definerErr, restoreErr); err != nil {
		return backup, restore, err
	}
	if h.features.has(users.Name) {
		return backup, restore, h.allowUsers(ctx)
	}
	if h.mayDefine {
		err = target.Exec(ctx, "GRANT "+h.target().anyDefiner+" ON *.* TO "+definer)
	}
	return backup, restore, err
}

// fill puts rows into every table before the history begins: chunks need something to hold.
func (h *run) fill(ctx context.Context, setup *session) error {
	for _, n := range h.live.names() {
		var usable []column
		for _, c := range h.live.columns(n) {
			if !c.generated {
				usable = append(usable, c)
			}
		}
		if err := setup.exec(ctx, "BEGIN"); err != nil {
			return err
		}
		for range h.Rows*4/7 + h.r.IntN(max(1, h.Rows*6/7)) {
			if err := setup.exec(ctx, insert(h.r, "REPLACE", n, usable)); isLost(err) {
				return err
			}
		}
		if err := setup.exec(ctx, "COMMIT"); err != nil {
			return err
		}
	}
	return nil
}
