package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

func (h *run) prepare(ctx context.Context) error {
	var err error
	if h.folder, err = os.MkdirTemp("", "tripod-history-"); err != nil {
		return err
	}
	if err := h.setGlobals(ctx); err != nil {
		return err
	}
	for _, s := range []*mysqltest.Server{h.servers.Source, h.servers.Target} {
		if err := s.Reset(ctx); err != nil {
			return err
		}
	}
	backup, restore, err := h.accounts(ctx)
	if err != nil {
		return err
	}
	h.chunkRows = 10 + h.r.IntN(30)
	h.prog = program{binary: h.Binary, env: []string{
		"TRIPOD_SOURCE_PASSWORD=" + backup.Password, "TRIPOD_TARGET_PASSWORD=" + restore.Password,
		"XDG_STATE_HOME=" + filepath.Join(h.folder, "state"),
		// Little data, but many chunks and time between them: wide windows.
		fmt.Sprintf("GO_FAILPOINTS=%[1]s/chunkRows=return(%[2]d);%[1]s/betweenChunks=sleep(%[3]d)", dumperPackage, h.chunkRows, 12+h.r.IntN(16)),
	}}
	if h.features.has(killBackups.Name) { // whatever is finished is known to the next run
		h.prog.env[len(h.prog.env)-1] += ";" + dumperPackage + "/journalOften=return(1)"
	}
	h.source = h.servers.Source.Root()
	setup, err := h.open(ctx, "setup", "SET NAMES utf8mb4, sql_mode='ALLOW_INVALID_DATES', foreign_key_checks=0")
	if err != nil {
		return err
	}
	defer setup.close()
	var statements []string
	statements, h.shapes = layout(h.r, h.features)
	if err := setup.all(ctx, statements...); err != nil {
		return err
	}
	if err := h.live.refresh(ctx, h.source); err != nil {
		return err
	}
	if err := h.fill(ctx, setup); err != nil {
		return err
	}
	_, err = h.moveCounters(ctx)
	return err
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
	if h.mayDefine = h.features.has(definers.Name) && h.r.IntN(3) == 0; h.mayDefine {
		err = target.Exec(ctx, "GRANT SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, SYSTEM_USER ON *.* TO "+definer)
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
		for range 40 + h.r.IntN(60) {
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
