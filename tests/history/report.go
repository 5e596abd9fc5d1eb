package history

import (
	"time"

	"github.com/tripod-db/tripod/tests/truth"
)

// Report counts what a history held.
type Report struct {
	Seed         uint64
	Transactions int64
	RolledBack   int64
	Changes      int // DDL statements inside the backup
	AllChanges   int
	Aimed        int // of them, those on tables that were being read at that moment
	ReadAgain    int // tables read again because of a statement, with repeats
	StopPoints   int
	Counters     int // AUTO_INCREMENT counters that had to be the source's exactly
	Parts        int // restores of some tables alone, under their own names or others
	Skips        int // restores without some transactions
	Definers     int // objects whose definer was kept, or told to be changed
	Compared     Compared
	Tables       int
	Rows         int
	Kills        int
	BackupKills  int
	Adopted      int // chunks of the backup that a killed run had read
	Files        int // of the source's binlog that the archive was compared with
	Backup       time.Duration
	Restores     time.Duration
	Took         time.Duration
	Features     map[string]int            // the least that a feature which was on did of what it has to do
	Phases       map[string]map[string]int // DDL by feature, and where it was with regard to the backup
	cost         *cost                     // nil where none began
}

// Compared counts what restores held that were compared with the truth.
type Compared struct{ Restores, Tables, Rows, Definitions int }

func (c *Compared) add(more Compared) {
	c.Restores += more.Restores
	c.Tables += more.Tables
	c.Rows += more.Rows
	c.Definitions += more.Definitions
}

func (r *Report) compared(restored *truth.Truth) {
	tables, rows, definitions := restored.Size()
	r.Compared.add(Compared{1, tables, rows, definitions})
}
