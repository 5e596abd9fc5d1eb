package pitr

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// ProgressTable is the table in which a restore keeps, on the target, what it is and how far it
// has come: in the first schema restored, from the first object made until Finish drops it.
const ProgressTable = "__tripod_restore"

// Phases of a restore as the table tells them.
const (
	phaseLoad   = "load"
	phaseReplay = "replay"
	phaseFinish = "finish"
)

// progressTable writes ProgressTable. Its one row is changed in the same transaction as what it
// describes.
type progressTable struct{ name schema.Name }

// progressWish is what identifies the restore: a run with another wish must not go on with it.
type progressWish struct {
	Instance string          `json:"instance"`
	BackupID string          `json:"backup_id"`
	Wanted   string          `json:"wanted"`
	Stop     binlog.Position `json:"stop"`
	Program  string          `json:"program"`
}

// create makes the table with its row. The primary key is there for targets that demand one.
func (p *progressTable) create(ctx context.Context, s *session, w progressWish) error {
	wish, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("note the restore on the target: %w", err)
	}
	err = s.exec(ctx, "CREATE TABLE "+p.name.Quoted()+" (id TINYINT NOT NULL PRIMARY KEY, wish TEXT NOT NULL, phase VARCHAR(16) NOT NULL,"+
		" timeline VARCHAR(128) NOT NULL, file VARCHAR(255) NOT NULL, pos BIGINT UNSIGNED NOT NULL, changes BIGINT UNSIGNED NOT NULL,"+
		" begun TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) CHARACTER SET utf8mb4 ENGINE=InnoDB COMMENT='tripod keeps its progress here; restore drops it at its end'")
	if err == nil {
		err = s.exec(ctx, "INSERT INTO "+p.name.Quoted()+" (id, wish, phase, timeline, file, pos, changes) VALUES (1, "+
			rewriter.QuoteString(string(wish))+", '"+phaseLoad+"', '', '', 0, 0)")
	}
	if err != nil {
		return fmt.Errorf("note the restore on the target: %w", err)
	}
	return nil
}

// reached is the statement that notes the last change of a batch.
func (p *progressTable) reached(o rewriter.Origin) string {
	return p.position(o.Entry, o.Row+1)
}

// position notes that everything before an entry is done, and so many row changes inside it.
func (p *progressTable) position(at binlog.Position, changes uint64) string {
	return "UPDATE " + p.name.Quoted() + " SET timeline=" + rewriter.QuoteString(string(at.Timeline)) + ", file=" +
		rewriter.QuoteString(at.File) + ", pos=" + strconv.FormatUint(at.Pos, 10) + ", changes=" + strconv.FormatUint(changes, 10) + " WHERE id=1"
}

// enter notes the beginning of a phase.
func (p *progressTable) enter(ctx context.Context, s *session, phase string) error {
	if err := s.exec(ctx, "UPDATE "+p.name.Quoted()+" SET phase='"+phase+"' WHERE id=1"); err != nil {
		return fmt.Errorf("note the restore's phase on the target: %w", err)
	}
	return nil
}

// drop ends the restore.
func (p *progressTable) drop(ctx context.Context, s *session) error {
	if err := s.exec(ctx, "DROP TABLE "+p.name.Quoted()); err != nil {
		return fmt.Errorf("drop the progress table: %w", err)
	}
	return nil
}
