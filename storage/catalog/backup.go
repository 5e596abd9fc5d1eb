package catalog

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
)

// IntentVersion is the newest intent.json that this program writes and reads.
const IntentVersion = 1

// Intent says that a backup runs, and pins what it needs of the archive. It is written after
// the first tick and renewed; without a manifest beside it the backup is unfinished.
type Intent struct {
	Version  int         `json:"version"`
	ID       string      `json:"id"`
	Instance string      `json:"instance"`
	Program  string      `json:"program"` // tripod's version
	Host     string      `json:"host,omitempty"`
	Started  binlog.Time `json:"started"` // this machine's clock, for people
	Renewed  binlog.Time `json:"renewed"` // likewise

	Selection   Selection `json:"selection"`
	Compression string    `json:"compression,omitempty"`

	// Floor is the start of the file that the backup's stream begins with; the low of the first
	// tick lies behind it. Everything from here on is needed.
	Floor binlog.Point `json:"floor"`
	// FormatTime tells that file from another one of its name (fact 13.9).
	FormatTime uint32 `json:"format_time,omitempty"`
	// Proof names what lies, locked, on the machine of the backup's newest run: see package archive.
	Proof string `json:"proof,omitempty"`
	// Server is the source's flavour, version and what of its settings decides how it is read; empty of earlier versions.
	Server string `json:"server,omitempty"`
	// OldestPrepare is where the oldest XA transaction was prepared that is open where Floor is; zero for none.
	OldestPrepare binlog.Position `json:"oldest_prepare,omitzero"`
}

// idTime is the part of a backup id that sorts: UTC, to the millisecond.
const idTime = "20060102-150405.000"

// idRandom is how many random bytes tell apart the backups of one millisecond.
const idRandom = 4

// NewBackupID returns an id that sorts by time and differs from every other of the same
// millisecond: 20260102-030405-678-1a2b3c4d. CreateIntent settles what chance does not.
func NewBackupID(now time.Time) string {
	id := []byte(now.UTC().Format(idTime) + "-")
	id[len("20060102-150405")] = '-'
	random := make([]byte, idRandom)
	rand.Read(random) // never fails: crypto/rand ends the program instead
	return string(hex.AppendEncode(id, random))
}

// CreateIntent begins a backup: it gives the intent an id nobody else has, writes it, and
// returns the id.
func (c *Catalog) CreateIntent(ctx context.Context, i Intent, now time.Time) (id string, err error) {
	i.Version = IntentVersion
	for {
		i.ID = NewBackupID(now)
		document, err := encode(i)
		if err != nil {
			return "", fmt.Errorf("begin backup: %w", err)
		}
		err = c.createAlone(ctx, IntentKey(i.Instance, i.ID), document)
		if !errors.Is(err, storage.ErrExists) {
			return i.ID, err
		}
	}
}

// PutIntent writes or renews the intent of i.Instance and i.ID.
func (c *Catalog) PutIntent(ctx context.Context, i Intent) error {
	i.Version = IntentVersion
	return c.write(ctx, IntentKey(i.Instance, i.ID), i)
}

// Intent returns the intent of a backup, or an error that wraps storage.ErrNotFound.
func (c *Catalog) Intent(ctx context.Context, instance, id string) (Intent, error) {
	var i Intent
	err := c.read(ctx, IntentKey(instance, id), IntentVersion, &i)
	return i, err
}

// Backups returns the ids of the instance's backups, oldest first: those with a manifest. An
// instance that the store does not hold is a fault of code 10.
func (c *Catalog) Backups(ctx context.Context, instance string) ([]string, error) {
	return c.backupsWith(ctx, instance, true)
}

// Unfinished returns the ids of backups without a manifest, oldest first: they run, or were killed.
func (c *Catalog) Unfinished(ctx context.Context, instance string) ([]string, error) {
	return c.backupsWith(ctx, instance, false)
}

func (c *Catalog) backupsWith(ctx context.Context, instance string, manifest bool) ([]string, error) {
	if _, err := c.Instance(ctx, instance); err != nil {
		return nil, err
	}
	return c.foundWith(ctx, instance, manifest)
}

// FoundBackups is Backups whatever the instance.json says: in a disaster it may be what is lost.
func (c *Catalog) FoundBackups(ctx context.Context, instance string) ([]string, error) {
	return c.foundWith(ctx, instance, true)
}

func (c *Catalog) foundWith(ctx context.Context, instance string, manifest bool) ([]string, error) {
	folders, err := c.BackupFolders(ctx, instance)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, id := range folders {
		there, err := c.HasManifest(ctx, instance, id)
		if err != nil {
			return nil, err
		}
		if there == manifest {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Manifest returns the manifest of a backup; an unknown instance or backup is a fault of code 10.
func (c *Catalog) Manifest(ctx context.Context, instance, id string) (*Manifest, error) {
	m := new(Manifest)
	err := c.read(ctx, ManifestKey(instance, id), ManifestVersion, m)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		if _, err := c.Instance(ctx, instance); err != nil {
			return nil, err
		}
		return nil, fault.New(fault.CodeNotFound, fault.KindNotFound, "tripod list --store URL --instance NAME shows the backups",
			"no backup %q of instance %q in this store", id, instance)
	case err != nil:
		return nil, err
	case m.Instance != instance || m.ID != id:
		return nil, storage.Altered(ManifestKey(instance, id), "is that of backup %q of instance %q", m.ID, m.Instance)
	}
	if _, err := m.selected(); err != nil {
		return nil, storage.Altered(ManifestKey(instance, id), "cannot be understood: %v", err)
	}
	return m, nil
}

// PutManifest makes the backup exist (promise 4). It is the last write of a backup; a
// manifest that is there already is never replaced (storage.ErrExists).
func (c *Catalog) PutManifest(ctx context.Context, m *Manifest) error {
	if _, err := m.selected(); err != nil {
		return fmt.Errorf("write the manifest of backup %s: %w", m.ID, err)
	}
	written := *m
	written.Version = ManifestVersion
	document, err := encode(&written)
	if err != nil {
		return fmt.Errorf("write the manifest of backup %s: %w", m.ID, err)
	}
	return c.createAlone(ctx, ManifestKey(m.Instance, m.ID), document)
}
