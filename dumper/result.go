package dumper

import (
	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Result is the JSON of `tripod backup`.
type Result struct {
	BackupID        string                `json:"backup_id"`
	Instance        string                `json:"instance"`
	Seconds         float64               `json:"seconds"`
	Rows            uint64                `json:"rows"`
	BytesRead       uint64                `json:"bytes_read"` // of chunk text, what was read again included
	BytesStored     uint64                `json:"bytes_stored"`
	RecoverableFrom binlog.Point          `json:"recoverable_from"`
	Adopted         Adopted               `json:"adopted"`
	Tables          []TableResult         `json:"tables"`
	NotBackedUp     []catalog.NotBackedUp `json:"not_backed_up"`
	Warnings        []string              `json:"warnings,omitempty"`
}

// Adopted counts what the backup holds of a run that was killed.
type Adopted struct {
	Tables int    `json:"tables"` // in whole or in part
	Chunks int    `json:"chunks"`
	Rows   uint64 `json:"rows"`
}

func (a *Adopted) add(c *content) {
	before := a.Chunks
	for i := range c.chunks {
		if c.chunks[i].adopted {
			a.Chunks++
			a.Rows += c.chunks[i].Rows
		}
	}
	if a.Chunks > before {
		a.Tables++
	}
}

// TableResult is one table of a Result.
type TableResult struct {
	Schema    string              `json:"schema"`
	Name      string              `json:"name"`
	Class     string              `json:"class"`
	Rows      uint64              `json:"rows"`
	Chunks    int                 `json:"chunks"`
	Window    binlog.Window       `json:"window"`
	ReadAgain []catalog.ReadAgain `json:"read_again"`
}
