package pitr

import (
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/pitr/checkpoint"
)

// Result is what a restore did: the JSON of `tripod restore`.
type Result struct {
	BackupID   string  `json:"backup_id"`
	Seconds    Seconds `json:"seconds"`
	RowsLoaded uint64  `json:"rows_loaded"`
	// RowsVerified is how many of them were read back and compared (--verify chunks); nil where none was asked for.
	RowsVerified         *uint64      `json:"rows_verified,omitempty"`
	TransactionsReplayed uint64       `json:"transactions_replayed"`
	RowEvents            uint64       `json:"row_events"`   // rows events that were applied
	RowsWritten          uint64       `json:"rows_written"` // row changes of these events
	StatementsReplayed   uint64       `json:"statements_replayed"`
	BytesRead            BytesRead    `json:"bytes_read"` // from the store, by plan and restore
	Stop                 binlog.Point `json:"stop"`
	Warnings             []string     `json:"warnings"`
	DefinersChanged      []string     `json:"definers_changed"`
	// Loose names the rows that transactions changed which were left out; LooseRows counts them.
	Loose     []string `json:"loose"`
	LooseRows uint64   `json:"loose_rows"`
	// TransactionsSkipped is how many were left out.
	TransactionsSkipped uint64                  `json:"transactions_skipped"`
	Divergence          []checkpoint.Divergence `json:"divergence"`
	// Resumed: an earlier run was killed or failed, and this one went on from there.
	Resumed bool `json:"resumed"`
	// BinlogWritten: the target's own binlog holds the restore, because sql_log_bin=0 is not permitted, or because the store holds the
	// target's archive.
	BinlogWritten bool `json:"binlog_written"`
}

// Seconds are the durations of the phases.
type Seconds struct {
	Load   float64 `json:"load"`
	Replay float64 `json:"replay"`
	Finish float64 `json:"finish"`
	Total  float64 `json:"total"`
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
