package pitr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/lanes"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/chunk"
)

// loader puts schemas, definitions and chunks into the target.
type loader struct {
	catalog  *catalog.Catalog
	manifest *catalog.Manifest
	director *director.Director // in front of the log
	loads    []director.LoadBase
	target   *target.Target
	local    bool // LOAD DATA LOCAL is allowed
	packet   int
	threads  int
	memory   *lanes.Memory
	sink     progress.Sink
	progress *checkpoint.Table
	past     *checkpoint.Past
	before   uint64   // rows that an earlier run has loaded
	gaveWay  sync.Map // by chunk: rows (uint64) of it or of others that gave way to its own
	cut      sync.Map // tables of which a chunk was written with what is computed cut
}

// schemas creates the schemas that are missing and gives all of them the source's defaults.
func (l *loader) schemas(ctx context.Context, s *target.Session) error {
	for _, base := range l.manifest.Schemas {
		state := l.director.Schemas[l.director.FoldSchema(base.Name)]
		if !base.Exists || state == nil || state.Target == "" {
			continue
		}
		if err := s.Exec(ctx, rewriter.CreateDatabase(state.Target, base.Charset, base.Collation)); err != nil {
			return fmt.Errorf("create schema %s: %w", base.Name, err)
		}
		if base.Charset == "" && base.Collation == "" {
			continue
		}
		if err := s.Exec(ctx, rewriter.AlterDatabase(state.Target, base.Charset, base.Collation)); err != nil {
			return fmt.Errorf("set the defaults of schema %s: %w", base.Name, err)
		}
	}
	return nil
}

// definitions creates the tables, with their foreign keys and without triggers.
func (l *loader) definitions(ctx context.Context, s *target.Session, tables *tableSet) error {
	phase := l.sink.Begin("definitions", progress.Amount{Items: int64(len(l.loads))})
	defer phase.End()
	for _, b := range l.loads {
		phase.Doing(b.String())
		text, err := l.catalog.OpenNamedSchemaObject(ctx, l.manifest, b.SchemaObject())
		if err != nil {
			return err
		}
		if err := s.Use(ctx, b.OnTarget.Schema); err != nil {
			return fmt.Errorf("use schema %s: %w", b.OnTarget.Schema, err)
		}
		create, err := ddl.InheritCollations(string(text))
		if err != nil {
			return fmt.Errorf("read the definition of %s in the backup: %w", b.Name, err)
		}
		if create, err = l.director.Definition(create, b); err != nil {
			return fmt.Errorf("read the definition of %s in the backup: %w", b.Name, err)
		}
		early := func(schema.Name) binlog.Side { return binlog.Skip } // all are from behind the floor
		makes, err := makerOfDefinition(b.OnTarget, create)
		if err != nil {
			return fmt.Errorf("read the definition of %s in the backup: %w", b.Name, err)
		}
		err = tables.asides.making(ctx, early, makes, func() error { return s.Exec(ctx, create) })
		made := err == nil
		if server.ErrorNumber(err) == errTableExists && l.past.Resumed {
			err = nil // a killed run has made it
		}
		if err != nil {
			return fault.New(fault.CodeFailed, fault.KindTarget, statementHint(err), "create table %s: %w", b.Name, err)
		}
		if err := tables.read(ctx, b.OnTarget); err != nil {
			return err
		}
		t := tables.get(b.OnTarget)
		def, err := ddl.ParseCreateTable(string(text), b.Schema)
		if err != nil {
			return fmt.Errorf("read the definition of %s in the backup: %w", b.Name, err)
		}
		if made { // one of a killed run may have rows
			if err := tables.dropDefaults(ctx, s, t, def); err != nil {
				return err
			}
			if err := tables.printAsAltered(ctx, s, t, create); err != nil {
				return err
			}
		}
		if t.off, err = putOffOf(b, create); err != nil {
			return err
		}
		if err := tables.putOff(ctx, t); err != nil {
			return err
		}
		tables.chooseLane(t)
		t.Next = max(t.Next, def.AutoIncrement)
		phase.Add(progress.Amount{Items: 1})
	}
	return nil
}

const errTableExists = 1050

// expect puts the tables, which an earlier run has loaded, into the catalogue.
func (l *loader) expect(ctx context.Context, tables *tableSet) (rows uint64, err error) {
	for _, b := range l.loads {
		text, err := l.catalog.OpenNamedSchemaObject(ctx, l.manifest, b.SchemaObject())
		if err != nil {
			return 0, err
		}
		def, err := ddl.ParseCreateTable(string(text), b.Schema)
		if err != nil {
			return 0, fmt.Errorf("read the definition of %s in the backup: %w", b.Name, err)
		}
		create, err := l.director.Definition(string(text), b)
		if err != nil {
			return 0, fmt.Errorf("read the definition of %s in the backup: %w", b.Name, err)
		}
		t := tables.expect(b.OnTarget, def.AutoIncrement)
		if t.off, err = putOffOf(b, create); err != nil {
			return 0, err
		}
		for i := range b.Chunks {
			rows += b.Chunks[i].Rows
		}
	}
	return rows, nil
}

// loadJob is one chunk of one table.
type loadJob struct {
	base  *catalog.NameBase
	def   *schema.Table
	load  chunk.Load
	chunk *catalog.Chunk
	stays bool // rows of a broken-off load stay
	// computed, where it is not nil, may be cut: the chunk is written without STRICT, so many rows at a time.
	computed *target.Computed
	atOnce   int
}

// chunks loads all chunks, several at once, each in a transaction of its own.
func (l *loader) chunks(ctx context.Context, tables *tableSet) (rows uint64, err error) {
	jobs, total, err := l.jobs(tables)
	if err != nil {
		return 0, err
	}
	phase := l.sink.Begin("load", total)
	defer phase.End()
	var loaded atomic.Uint64
	queue := make(chan loadJob)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(queue)
		for _, j := range jobs {
			select {
			case queue <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	workers := l.memory.Workers(min(l.threads, max(1, len(jobs))), l.workerCost())
	release, err := l.memory.Reserve(ctx, int64(workers)*l.workerCost())
	if err != nil {
		return 0, err
	}
	defer release()
	for range workers {
		group.Go(func() error {
			return l.worker(ctx, queue, phase, &loaded)
		})
	}
	err = group.Wait()
	return l.before + loaded.Load(), err
}

// doubts empties the tables without transactions of which a killed run may have left a part of a chunk:
// they are loaded from their first chunk on. The notes go first.
func (l *loader) doubts(ctx context.Context, s *target.Session, tables *tableSet) error {
	for _, b := range l.loads {
		t := tables.get(b.OnTarget)
		if !l.past.Resumed || t.Write.Transactional() || len(b.Chunks) == 0 {
			continue
		}
		var noted []string
		for i := range b.Chunks {
			if _, loaded := l.past.Chunks[b.Chunks[i].Key]; loaded {
				noted = append(noted, b.Chunks[i].Key)
			}
		}
		if len(noted) == len(b.Chunks) && !l.past.Emptied(t.def) {
			continue
		}
		if err := l.progress.ForgetChunks(ctx, s, noted); err != nil {
			return err
		}
		for _, key := range noted {
			delete(l.past.Chunks, key)
		}
		if err := s.Exec(ctx, "TRUNCATE TABLE "+b.OnTarget.Quoted()); err != nil {
			return fmt.Errorf("empty %s, which a killed run has loaded in part: %w", b.OnTarget, err)
		}
	}
	return nil
}

// jobs lists the chunks, of each table in key order. The LOAD statement is the manifest's: what
// another version of tripod would make of the table does not matter.
func (l *loader) jobs(tables *tableSet) (jobs []loadJob, total progress.Amount, err error) {
	for _, b := range l.loads {
		if len(b.Chunks) == 0 {
			continue
		}
		load, err := chunk.ParseLoad(b.Load)
		if err != nil {
			return nil, total, fmt.Errorf("table %s: %w", b.Name, err)
		}
		t := tables.get(b.OnTarget)
		load.Table = b.OnTarget
		load.Assign(t.def) // older manifests do not
		// Where nothing identifies a row, REPLACE would be free to drop one of two; rows of one
		// snapshot do not stand in each other's way.
		load.Replace = t.Write.Keyed()
		for i := range b.Chunks {
			c := &b.Chunks[i]
			if n, loaded := l.past.Chunks[c.Key]; loaded {
				l.gaveWay.Store(c.Key, n.GaveWay)
				l.before += c.Rows
				continue
			}
			jobs = append(jobs, loadJob{base: b.NameBase, def: t.def, load: load, chunk: c, stays: !t.Write.Transactional()})
			total = progress.Amount{Rows: total.Rows + int64(c.Rows), Bytes: total.Bytes + int64(c.Bytes), Items: total.Items + 1}
		}
	}
	return jobs, total, nil
}

func (l *loader) worker(ctx context.Context, queue <-chan loadJob, phase progress.Phase, loaded *atomic.Uint64) error {
	var s rowLoader
	defer func() {
		if s != nil {
			s.Close()
		}
	}()
	for j := range queue {
		if s == nil {
			var err error
			if s, err = l.open(ctx); err != nil {
				return err
			}
		}
		phase.Doing(j.base.String())
		if err := l.load(ctx, s, j); err != nil {
			if fault.Of(err).Kind == fault.KindIntegrity { // names the object itself
				return fmt.Errorf("load table %s: %w", j.base.Name, err)
			}
			return fmt.Errorf("load table %s, chunk %s: %w", j.base.Name, j.chunk.Key, err)
		}
		loaded.Add(j.chunk.Rows)
		phase.Add(progress.Amount{Rows: int64(j.chunk.Rows), Bytes: int64(j.chunk.Bytes), Items: 1})
	}
	return nil
}

// rowLoader writes chunks through one connection.
type rowLoader interface {
	// write sends the chunk's text and returns the count of written rows.
	write(ctx context.Context, j loadJob, text io.Reader) (int64, error)
	target.Execer
	target.Querier
	Close()
}

// Costs of a worker of the load: the expander with its window and the buffers on the way; where
// LOCAL is forbidden the line, the field and the statement of a row just too short to pass alone.
const (
	localCost = 4 << 20
	textCost  = localCost + 6*longLine
)

func (l *loader) workerCost() int64 {
	if l.local {
		return localCost
	}
	return textCost
}

// open opens a worker's connection.
func (l *loader) open(ctx context.Context) (s rowLoader, err error) {
	if l.local {
		s, err = openLocal(ctx, l.target)
	} else {
		s, err = openText(ctx, l.target, l.packet, l.memory)
	}
	if err != nil {
		return nil, err
	}
	if err := s.Exec(ctx, "SET NAMES binary"); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// once loads a chunk in a transaction that ends only when the chunk was read to its verified end.
func (l *loader) once(ctx context.Context, s rowLoader, j loadJob) error {
	reader, err := l.openChunk(ctx, j)
	if err != nil {
		return err
	}
	defer reader.Close() //nolint:errcheck // what it says about the end was read before
	// Rows that cannot be taken back must not share a transaction with the note (error 1785).
	transaction := !j.stays
	if transaction {
		if err := s.Exec(ctx, "START TRANSACTION"); err != nil {
			return err
		}
	}
	written, err := s.write(ctx, j, reader)
	if err != nil {
		return err
	}
	// REPLACE counts a row that gave way as one more.
	if uint64(written) < j.chunk.Rows || !j.load.Replace && uint64(written) != j.chunk.Rows {
		return fault.New(fault.CodeDifference, fault.KindDivergence, "find out who else writes to the target, and restore again",
			"%d rows were written instead of %d", written, j.chunk.Rows)
	}
	n := checkpoint.ChunkNote{GaveWay: uint64(written) - j.chunk.Rows}
	if err := s.Exec(ctx, l.progress.Put(checkpoint.NewNote(checkpoint.NoteChunk, j.chunk.Key, n))); err != nil {
		return err
	}
	if transaction {
		if err := s.Exec(ctx, "COMMIT"); err != nil {
			return err
		}
	}
	l.gaveWay.Store(j.chunk.Key, n.GaveWay)
	return nil
}

func (l *loader) openChunk(ctx context.Context, j loadJob) (*chunk.Reader, error) {
	return chunk.Open(ctx, l.catalog.Bucket(), catalog.BackupKey(l.manifest.Instance, l.manifest.ID, j.chunk.Key), l.manifest.Compression, chunk.Sum{
		Rows: j.chunk.Rows, Bytes: j.chunk.Bytes, BytesStored: j.chunk.BytesStored,
		TextSHA256: j.chunk.TextSHA256, StoredSHA256: j.chunk.StoredSHA256,
	})
}

// loadFailed puts a remedy to an error of the target.
func loadFailed(j loadJob, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	hint := "compare the versions and settings of both servers"
	if server.ErrorNumber(err) == target.ErrPacketTooLarge {
		hint = fmt.Sprintf("on the target: SET GLOBAL max_allowed_packet = %d", target.RoundPacket(int(min(j.chunk.Bytes, 1<<30))))
	}
	return fault.New(fault.CodeFailed, fault.KindTarget, hint, "%w", err)
}
