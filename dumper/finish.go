package dumper

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// finish has the source prove its history once more, stores the definitions, waits until the archive covers everything (W4), writes the
// manifest, and looks at the archive once more.
func (b *backup) finish(ctx context.Context, archiving *archiving) (*Result, error) {
	if err := b.clock.Err(); err != nil {
		return nil, err
	}
	if err := b.bounded(ctx, "the store, given the journal,", b.journal.flush); err != nil {
		return nil, err
	}
	phase := b.cfg.Progress.Begin("definitions", progress.Amount{})
	defer phase.End()
	phase.Doing("compare the source's log with what was read of it")
	if err := b.watch.prove(ctx, b.cfg.Wait); err != nil {
		return nil, err
	}
	if err := b.bounded(ctx, "the store, asked for another run,", b.inCharge); err != nil {
		return nil, err
	}
	phase.Doing("store the definitions")
	m, err := b.manifest(ctx)
	phase.End()
	if err != nil {
		return nil, err
	}
	reader := archive.Open(b.cfg.Catalog, b.cfg.Instance)
	late := false
	failpoint.Inject("W4", func() { late = true })
	if !late {
		if err := b.covered(ctx, reader, m, archiving); err != nil {
			return nil, err
		}
		if err := b.addOpenXA(ctx, reader, m); err != nil {
			return nil, err
		}
	}
	// Tests kill the backup here.
	failpoint.Inject("beforeManifest", nil)
	if err := b.bounded(ctx, "the store, asked for another run,", b.inCharge); err != nil {
		return nil, err
	}
	m.Finished = binlog.TimeOf(time.Now())
	b.deciding.Store(true)
	put := func(ctx context.Context) error { return b.cfg.Catalog.PutManifest(ctx, m) }
	if err := b.bounded(ctx, "the store, given the manifest,", put); errors.Is(err, storage.ErrExists) {
		return nil, errors.Join(b.finishedByAnother(), err) // it is that of a process which has taken this one for dead
	} else if err != nil {
		return nil, b.withdraw(ctx, m, err) // it may be there all the same
	}
	if late {
		return b.result(m), nil
	}
	covers := func(ctx context.Context) error { return reader.Covers(ctx, neededFrom(m), m.End.Position) }
	if err := b.bounded(ctx, "the store, asked for the archive,", covers); err != nil {
		return nil, b.withdraw(ctx, m, fmt.Errorf("look whether the archive still holds what backup %s needs: %w", b.id, err))
	}
	failpoint.Inject("behindManifest", nil)
	if err := b.bounded(ctx, "the store", func(ctx context.Context) error { return b.removeLeftOver(ctx, m) }); err != nil {
		b.cfg.Log.Warn("the backup is complete; what nobody needs of it any more could not be removed", "error", err)
	}
	b.cfg.Log.Info("backup complete", "id", b.id, "recoverable_from", m.RecoverableFrom.String())
	return b.result(m), nil
}

// withdrawFor bounds the deletion of a manifest: the store may be what failed, and somebody who
// has interrupted the backup waits for its end.
const withdrawFor = 10 * time.Second

// errManifestLeft: somebody has to act before anything is restored.
var errManifestLeft = errors.New("its manifest could not be deleted")

// withdraw deletes the manifest of a backup that failed behind it, even when ctx has ended: a
// backup that ended with an error does not exist. A manifest of another process, which has taken
// this one for dead, stays: that backup has not failed.
func (b *backup) withdraw(ctx context.Context, m *catalog.Manifest, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawFor)
	defer cancel()
	key := catalog.ManifestKey(b.cfg.Instance, b.id)
	there, err := b.cfg.Catalog.Manifest(ctx, b.cfg.Instance, b.id)
	switch {
	case err == nil && there.Finished != m.Finished:
		return errors.Join(b.finishedByAnother(), cause)
	case err == nil:
		err = b.cfg.Catalog.Bucket().Delete(ctx, key)
	case fault.Of(err).Code == fault.CodeNotFound:
		return fmt.Errorf("no backup exists: %w", cause)
	}
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fault.New(fault.CodeFailed, fault.KindStore, "delete "+key+" from the store before anybody restores from this backup",
			"backup %s failed and %w: %w", b.id, errManifestLeft, errors.Join(cause, err))
	}
	return fmt.Errorf("no backup exists, the manifest of %s was deleted again: %w", b.id, cause)
}

// neededFrom is where the log begins that a backup needs: floor, or the oldest prepare of an XA
// transaction that was open there.
func neededFrom(m *catalog.Manifest) binlog.Position {
	from := m.Floor.Position
	for _, x := range m.OpenXA {
		if x.Prepare.Before(from) {
			from = x.Prepare
		}
	}
	return from
}

// coverEvery is how often the archive is asked whether it covers the backup; a flush is a second.
const coverEvery = 100 * time.Millisecond

// covered waits until the archive holds everything from floor, and from the prepares of XA
// transactions open there, to the highest high.
func (b *backup) covered(ctx context.Context, reader *archive.Reader, m *catalog.Manifest, archiving *archiving) error {
	from := neededFrom(m)
	b.wanted.Tell(m.End.Position)
	phase := b.cfg.Progress.Begin("archive", progress.Amount{})
	defer phase.End()
	still := stillness{limit: b.cfg.Wait, since: time.Now()}
	for {
		err := b.bounded(ctx, "the store, asked for the archive,", func(ctx context.Context) error { return reader.Covers(ctx, from, m.End.Position) })
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !errors.Is(err, archive.ErrNotArchived) {
			return err
		}
		if ended := archiving.reason(b.clock.Err()); ended != nil {
			return ended
		}
		var head catalog.Head
		if headErr := b.bounded(ctx, "the store, asked for the archive's head,", func(ctx context.Context) (err error) {
			head, _, err = b.cfg.Catalog.Head(ctx, b.cfg.Instance, b.timeline)
			return err
		}); headErr != nil {
			return headErr
		}
		phase.Doing(fmt.Sprintf("the archive is at %s, the backup needs it up to %s", head.End.Position, m.End.Position))
		if moved := still.check(nearer(head.End.Position, m.End.Position).String(), fmt.Sprintf("the archive does not reach %s (%v)", m.End, err)); moved != nil {
			return moved
		}
		if err := sleep(ctx, coverEvery); err != nil {
			return err
		}
	}
}

// manifest stores definitions and objects and makes the manifest.
func (b *backup) manifest(ctx context.Context) (*catalog.Manifest, error) {
	r := look(b.board, func(s *bases.Bases) bases.Result { return s.Result() })
	if err := r.Check(); err != nil {
		return nil, err
	}
	f, floor := b.cfg.Source.Facts(), b.watch.atFloor()
	m := &catalog.Manifest{
		Version: catalog.ManifestVersion, ID: b.id, Instance: b.cfg.Instance, Program: b.cfg.Program,
		Source: catalog.SourceFacts{
			ServerUUID: f.ServerUUID, Version: f.Version, Flavor: f.Flavor, GTIDMode: f.GTIDs(),
			LowerCaseTableNames: f.LowerCaseTableNames, CharacterSetServer: f.CharacterSetServer, CollationServer: f.CollationServer,
			ExplicitTimestamps: f.ExplicitTimestamps, PartialRevokes: f.PartialRevokes,
		},
		Started:         b.intent.Started,
		Floor:           binlog.Point{Position: r.Floor, GTIDSet: floor.gtids, Time: floor.time},
		RecoverableFrom: r.RecoverableFrom,
		End:             binlog.Point{Position: r.End},
		Compression:     b.cfg.Compression,
		Selection:       b.selection.manifest(b.cfg),
		Names:           r.Names,
		OpenXA:          floor.openXA,
		NotBackedUp:     b.contents.missing,
		Warnings:        b.warnings,
	}
	if m.RecoverableFrom.Position == m.Floor.Position {
		m.RecoverableFrom = m.Floor
	}
	for i := range m.Names {
		if err := b.putName(ctx, &m.Names[i]); err != nil {
			return nil, err
		}
	}
	for _, s := range r.Schemas {
		if err := b.putSchema(ctx, m, s); err != nil {
			return nil, err
		}
	}
	for _, o := range r.Objects {
		if err := b.putObject(ctx, m, o); err != nil {
			return nil, err
		}
	}
	sort.Slice(m.Names, func(i, j int) bool { return m.Names[i].Compare(m.Names[j].Name) < 0 })
	return m, nil
}

// putName completes a table's base by what was read and stores its definition.
func (b *backup) putName(ctx context.Context, n *catalog.NameBase) error {
	c := b.contents.table(n.Name)
	if n.Base == catalog.BaseRead && !n.Absent {
		if c == nil {
			return fmt.Errorf("%s was read, but nothing is kept of it", n.Name)
		}
		n.Class, n.Columns, n.Load = string(b.class(c, n.PartialImages)), c.columns, c.load()
		_, keyed := c.table.Identity()
		n.Keyless = !keyed
		n.SchemaSHA256 = catalog.TextSHA256(c.table.Create)
		for i := range c.chunks {
			chunk := c.chunks[i].Chunk
			low, known := b.resolver.Low(c.chunks[i].before)
			if !known {
				return fmt.Errorf("the low watermark of chunk %s is not known", chunk.Key)
			}
			chunk.T0, chunk.T1 = low, c.chunks[i].after.High
			n.Chunks = append(n.Chunks, chunk)
			n.RowCount += chunk.Rows
			n.Bytes += chunk.Bytes
		}
		var err error
		if n.SchemaKey, err = b.putText(ctx, catalog.KindTable, n.Name, c.table.Create); err != nil {
			return err
		}
	}
	return nil
}

// removeLeftOver deletes the chunks of reads that do not count, with the definitions of a run that was
// killed, and then the journal, which owns them until then. The manifest is there: of two processes that
// take each other for dead one has written it, and nobody else removes anything. A store without
// put-if-absent may have let both write it; what lies there decides.
func (b *backup) removeLeftOver(ctx context.Context, m *catalog.Manifest) error {
	there, err := b.cfg.Catalog.Manifest(ctx, b.cfg.Instance, b.id)
	if err != nil {
		return err
	}
	if there.Finished != m.Finished {
		return b.finishedByAnother()
	}
	kept := 0
	for i := range m.Names {
		kept += len(m.Names[i].Chunks)
	}
	if b.adopted != nil || kept != b.contents.stored() {
		if err := b.cfg.Catalog.RemoveUnnamed(ctx, m); err != nil {
			return err
		}
	}
	return b.cfg.Catalog.RemoveJournal(ctx, b.cfg.Instance, b.id)
}

func (b *backup) putSchema(ctx context.Context, m *catalog.Manifest, s catalog.SchemaBase) (err error) {
	found := b.contents.schemas[s.Name]
	found.Name, found.Exists, found.Window, found.RecoverableFrom = s.Name, s.Exists, s.Window, s.RecoverableFrom
	if found.Exists {
		name := schema.Name{Schema: s.Name, Name: s.Name}
		if found.SchemaKey, err = b.putText(ctx, catalog.KindDatabase, name, found.Create); err != nil {
			return err
		}
	}
	m.Schemas = append(m.Schemas, found)
	return nil
}

func (b *backup) putObject(ctx context.Context, m *catalog.Manifest, o catalog.Object) (err error) {
	if o.Kind == catalog.KindUser {
		return b.putAccounts(ctx, m, o)
	}
	if o.Absent {
		m.Objects = append(m.Objects, o)
		return nil
	}
	found, read := b.contents.objects[objectName{o.Kind, o.Name}]
	if !read {
		return fmt.Errorf("%s %s was read, but nothing is kept of it", o.Kind, o.Name)
	}
	found.Window = o.Window
	if found.SchemaKey, err = b.putText(ctx, o.Kind, o.Name, found.Create); err != nil {
		return err
	}
	m.Objects = append(m.Objects, found)
	return nil
}

// putText stores a definition and returns its key.
func (b *backup) putText(ctx context.Context, kind catalog.ObjectKind, name schema.Name, text string) (below string, err error) {
	what := fmt.Sprintf("the store, given the definition of %s %s,", kind, name)
	err = b.bounded(ctx, what, func(ctx context.Context) (err error) {
		below, err = b.cfg.Catalog.AddSchemaObject(ctx, b.cfg.Instance, b.id, kind, name, text)
		return err
	})
	return below, err
}

// result is what the command prints.
func (b *backup) result(m *catalog.Manifest) *Result {
	r := &Result{
		BackupID: m.ID, Instance: m.Instance, Seconds: time.Since(b.started).Seconds(), BytesRead: b.bytesRead.Load(),
		RecoverableFrom: m.RecoverableFrom, Tables: []TableResult{}, NotBackedUp: m.NotBackedUp, Warnings: m.Warnings,
	}
	if r.NotBackedUp == nil {
		r.NotBackedUp = []catalog.NotBackedUp{}
	}
	for _, n := range m.Names {
		if n.Base != catalog.BaseRead || n.Absent {
			continue
		}
		t := TableResult{
			Schema: n.Schema, Name: n.Name.Name, Class: n.Class, Rows: n.RowCount, Chunks: len(n.Chunks), Window: n.Rows, ReadAgain: n.ReadAgain,
		}
		if t.ReadAgain == nil {
			t.ReadAgain = []catalog.ReadAgain{}
		}
		r.Rows += n.RowCount
		for _, c := range n.Chunks {
			r.BytesStored += c.BytesStored
		}
		r.Adopted.add(b.contents.table(n.Name))
		r.Tables = append(r.Tables, t)
	}
	return r
}
