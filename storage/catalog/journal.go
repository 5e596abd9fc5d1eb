package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage"
)

// JournalVersion is the newest part of a journal that this program writes and reads.
const JournalVersion = 1

// JournalPart is one object of a backup's journal: what was finished since the part before, so
// that a backup which is killed can be gone on with. Parts are never changed. They are numbered
// within a run; a backup that is gone on with has several runs, of which the newest is in charge.
// The journal is removed when the manifest exists, and of no meaning then.
type JournalPart struct {
	Version int    `json:"version"`
	Backup  string `json:"backup"`
	Run     uint64 `json:"run"`    // counts from 1
	Number  uint64 `json:"number"` // counts from 0: part 0 begins the run

	// Follows, in part 0 of a run that goes on with another one, is how many parts of that it has read:
	// what a process that was taken for dead writes behind them counts no more.
	Follows *uint64 `json:"follows,omitempty"`

	Written binlog.Time    `json:"written"` // this machine's clock, for people
	Entries []JournalEntry `json:"entries,omitempty"`
}

// JournalEntry says one thing: the member that is set.
type JournalEntry struct {
	// Floor is the first tick of the backup's first run.
	Floor *JournalMark `json:"floor,omitempty"`

	// Name and Read say which read of which table the others are about. A table that is read
	// once more gets another Read; the newest counts.
	Name schema.Name `json:"table,omitzero"`
	Read uint64      `json:"read,omitempty"`

	Opened *JournalOpened `json:"opened,omitempty"`
	Chunk  *JournalChunk  `json:"chunk,omitempty"`
	Split  *JournalSplit  `json:"split,omitempty"`
	Done   *JournalDone   `json:"done,omitempty"`
	// Void: what the read has brought so far does not count.
	Void bool `json:"void,omitempty"`
}

// JournalMark is a tick whose low mark the stream has resolved.
type JournalMark struct {
	Low  binlog.Position `json:"low"`
	High binlog.Position `json:"high"`
}

// JournalOpened: a definition was read, and the rows are about to be.
type JournalOpened struct {
	// Create is SHOW CREATE TABLE as the source gave it, bytes of any character set.
	Create []byte `json:"create"`
	Class  string `json:"class"` // schema.Class
	// Key is the one that the table is walked by; empty for a table that is read whole.
	Key     string   `json:"key,omitempty"`
	Select  []string `json:"select"` // the SELECT list
	Columns []string `json:"columns"`
	// First is the tick before the definition (D0, d0), Definition the high of the one after it (d1).
	First      JournalMark     `json:"first"`
	Definition binlog.Position `json:"definition"`
	// Settled is where a barrier stood before the read; unknown for none.
	Settled   binlog.Position `json:"settled,omitzero"`
	Locked    bool            `json:"locked,omitempty"` // read behind a table lock
	ReadAgain []ReadAgain     `json:"read_again,omitempty"`
}

// JournalSplit: the rows of a part of the table behind a bound are a part of their own from now on.
// The whole table is part 0.
type JournalSplit struct {
	Of   uint64   `json:"of"`
	Part uint64   `json:"part"`
	At   []string `json:"at"` // the last possible row of the part that was split
}

// JournalChunk: a chunk is in the store, whole.
type JournalChunk struct {
	Chunk
	Part uint64 `json:"part,omitempty"` // that it belongs to
	// BeforeHigh is the high of the tick whose low is T0.
	BeforeHigh binlog.Position `json:"before_high"`
}

// JournalDone: the table was read to its end.
type JournalDone struct {
	Rows  JournalMark     `json:"rows"`  // the tick before the earliest chunk
	After binlog.Position `json:"after"` // the high of the last tick behind chunks and definition
	End   binlog.Position `json:"end"`   // likewise, behind the last chunk alone
	// Keyless: no row event may lie in the row window (R5).
	Keyless bool `json:"keyless,omitempty"`
	// Chunks is how many there are.
	Chunks int `json:"chunks"`
}

func journalPrefix(instance, id string) string { return BackupKey(instance, id, "journal/") }

// JournalKey is the key of a part of a backup's journal.
func JournalKey(instance, id string, run, number uint64) string {
	return fmt.Sprintf("%s%0*d-%0*d.json", journalPrefix(instance, id), chunkDigits, run, chunkDigits, number)
}

// PutJournal adds a part. One that is there already is storage.ErrExists: of part 0, that somebody
// else goes on with the backup.
func (c *Catalog) PutJournal(ctx context.Context, instance string, p JournalPart) error {
	p.Version = JournalVersion
	document, err := encode(p)
	if err != nil {
		return fmt.Errorf("write the journal of backup %s: %w", p.Backup, err)
	}
	return c.createAlone(ctx, JournalKey(instance, p.Backup, p.Run, p.Number), document)
}

// HasRun tells whether a run of a backup has begun.
func (c *Catalog) HasRun(ctx context.Context, instance, id string, run uint64) (bool, error) {
	return c.has(ctx, JournalKey(instance, id, run, 0))
}

// Journal returns all parts of a backup's journal, in the order in which they were written. The
// parts of a run that follow a missing one are of no use and left out, and so are those that the next
// run has not read.
func (c *Catalog) Journal(ctx context.Context, instance, id string) ([]JournalPart, error) {
	var parts []JournalPart
	for key, err := range c.journalKeys(ctx, instance, id) {
		if err != nil {
			return nil, err
		}
		var p JournalPart
		if err := c.read(ctx, key, JournalVersion, &p); err != nil {
			return nil, err
		}
		if p.Backup != id || JournalKey(instance, id, p.Run, p.Number) != key {
			return nil, storage.Altered(key, "is part %d of run %d of backup %q", p.Number, p.Run, p.Backup)
		}
		if n := len(parts); p.Number > 0 && (n == 0 || parts[n-1].Run != p.Run || parts[n-1].Number+1 != p.Number) {
			continue
		}
		if p.Number == 0 && p.Follows != nil {
			parts = slices.DeleteFunc(parts, func(o JournalPart) bool { return o.Run == p.Run-1 && o.Number >= *p.Follows })
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// RemoveJournal removes a backup's journal, the newest part first: what is left of one is still
// a journal.
func (c *Catalog) RemoveJournal(ctx context.Context, instance, id string) error {
	var keys []string
	for key, err := range c.journalKeys(ctx, instance, id) {
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	for i := len(keys) - 1; i >= 0; i-- {
		if err := c.remove(ctx, keys[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *Catalog) journalKeys(ctx context.Context, instance, id string) func(func(string, error) bool) {
	prefix := journalPrefix(instance, id)
	return func(yield func(string, error) bool) {
		for object, err := range c.bucket.List(ctx, prefix, "") {
			if err != nil {
				yield("", storage.Fault(fmt.Errorf("list the journal of backup %s: %w", id, err)))
				return
			}
			if strings.HasSuffix(object.Key, ".json") && !yield(object.Key, nil) {
				return
			}
		}
	}
}

// ChunkSizes returns the sizes of the objects below a backup's data folder by their keys below the
// backup's folder.
func (c *Catalog) ChunkSizes(ctx context.Context, instance, id string) (map[string]int64, error) {
	return c.sizesBelow(ctx, instance, id, dataFolder)
}

func (c *Catalog) sizesBelow(ctx context.Context, instance, id, folder string) (map[string]int64, error) {
	sizes := map[string]int64{}
	for object, err := range c.bucket.List(ctx, BackupKey(instance, id, folder), "") {
		if err != nil {
			return nil, storage.Fault(fmt.Errorf("list %s of backup %s: %w", folder, id, err))
		}
		sizes[strings.TrimPrefix(object.Key, BackupKey(instance, id, ""))] = object.Size
	}
	return sizes, nil
}

// RemoveUnnamed removes the chunks and definitions below a backup's folder that its manifest does not name:
// those of reads that do not count, and those that a killed run stored.
func (c *Catalog) RemoveUnnamed(ctx context.Context, m *Manifest) error {
	named := map[string]bool{}
	for i := range m.Names {
		for j := range m.Names[i].Chunks {
			named[m.Names[i].Chunks[j].Key] = true
		}
	}
	for _, o := range m.SchemaObjects() {
		named[o.Key] = true
	}
	for _, folder := range []string{dataFolder, schemaFolder} {
		there, err := c.sizesBelow(ctx, m.Instance, m.ID, folder)
		if err != nil {
			return err
		}
		for below := range there {
			if named[below] {
				continue
			}
			if err := c.remove(ctx, BackupKey(m.Instance, m.ID, below)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Catalog) remove(ctx context.Context, key string) error {
	if err := c.bucket.Delete(ctx, key); err != nil && !errors.Is(err, storage.ErrNotFound) {
		return storage.Fault(fmt.Errorf("remove %s: %w", key, err))
	}
	return nil
}
