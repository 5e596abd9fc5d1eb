package pitr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/storage/chunk"
)

// check reads the loaded tables back from the target, in front of the replay, and compares them with
// the chunks (--verify=chunks). It returns how many rows were compared, and a warning for each table
// that cannot be: rows of it gave way to others with the same unique values, which chunks that were
// read one after the other may hold; the replay settles those.
func (l *loader) check(ctx context.Context, tables *tableSet) (rows uint64, warnings []string, err error) {
	var list []director.LoadBase
	var total progress.Amount
	for _, b := range l.loads {
		if len(b.Chunks) == 0 {
			continue
		}
		list = append(list, b)
		for i := range b.Chunks {
			total = progress.Amount{Rows: total.Rows + int64(b.Chunks[i].Rows), Bytes: total.Bytes + int64(b.Chunks[i].Bytes), Items: total.Items + 1}
		}
	}
	phase := l.sink.Begin("verify", total)
	defer phase.End()
	workers := l.memory.Workers(min(l.threads, max(1, len(list))), localCost)
	release, err := l.memory.Reserve(ctx, int64(workers)*localCost)
	if err != nil {
		return 0, nil, err
	}
	defer release()
	compared := make([]uint64, len(list))
	gaveWay := make([]uint64, len(list))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i, b := range list {
		t := tables.get(b.OnTarget)
		group.Go(func() (err error) {
			compared[i], gaveWay[i], err = l.checkTable(ctx, b, t, phase)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, nil, err
	}
	for i, b := range list {
		rows += compared[i]
		if gaveWay[i] > 0 {
			warnings = append(warnings, fmt.Sprintf("%s: its rows were not compared with the chunks: %d of them gave way to others with the same unique values", b.OnTarget, gaveWay[i]))
		}
	}
	return rows, warnings, nil
}

// checkTable compares one table with its chunks.
func (l *loader) checkTable(ctx context.Context, b director.LoadBase, t *table, phase progress.Phase) (rows, gaveWay uint64, err error) {
	phase.Doing(b.OnTarget.String())
	load, err := chunk.ParseLoad(b.Load)
	if err != nil {
		return 0, 0, fmt.Errorf("table %s: %w", b.Name, err)
	}
	var want chunk.RowSum
	for i := range b.Chunks {
		if n, ok := l.gaveWay.Load(b.Chunks[i].Key); ok {
			gaveWay += n.(uint64) //nolint:forcetypeassert // nothing else is stored
		}
		sum, err := l.chunkSum(ctx, loadJob{base: b.NameBase, load: load, chunk: &b.Chunks[i]})
		if err != nil {
			return 0, 0, fmt.Errorf("read table %s, chunk %s again: %w", b.Name, b.Chunks[i].Key, err)
		}
		want.Add(sum)
		phase.Add(progress.Amount{Rows: int64(b.Chunks[i].Rows), Bytes: int64(b.Chunks[i].Bytes), Items: 1})
	}
	got, err := l.tableSum(ctx, load, t)
	if err != nil {
		return 0, 0, fmt.Errorf("read table %s back: %w", b.OnTarget, err)
	}
	switch {
	case gaveWay == 0 && got == want:
		return got.Rows, 0, nil
	case gaveWay > 0 && got.Rows+gaveWay == want.Rows:
		return 0, gaveWay, nil
	}
	return 0, 0, fault.New(fault.CodeDifference, fault.KindDivergence,
		"find out who else writes to the target, compare the versions and settings of both servers, and restore again with --force",
		"table %s: the target does not hold the rows that were loaded: %d rows are there, %d were in the chunks, of which %d gave way to others", b.OnTarget, got.Rows, want.Rows, gaveWay)
}

// chunkSum sums the rows of a chunk in the store.
func (l *loader) chunkSum(ctx context.Context, j loadJob) (chunk.RowSum, error) {
	reader, err := l.openChunk(ctx, j)
	if err != nil {
		return chunk.RowSum{}, err
	}
	defer reader.Close() //nolint:errcheck // what it says about the end was read before
	s := chunk.NewRowSummer(j.load)
	if _, err := io.Copy(s, reader); err != nil {
		return chunk.RowSum{}, err
	}
	return s.Sum(), nil
}

// tableSum sums the rows of a table on the target.
func (l *loader) tableSum(ctx context.Context, load chunk.Load, t *table) (sum chunk.RowSum, err error) {
	s, err := l.target.RowSession(ctx)
	if err != nil {
		return sum, err
	}
	defer s.Close()
	if err := s.Exec(ctx, "SET NAMES binary"); err != nil {
		return sum, err
	}
	def, err := loadedColumns(t.def, load)
	if err != nil {
		return sum, err
	}
	expressions, _ := chunk.Select(def)
	lines, summer := chunk.NewTranscoder(def), chunk.NewRowSummer(load)
	var line []byte
	err = s.EachRow(ctx, "SELECT "+strings.Join(expressions, ", ")+" FROM "+t.Name.Quoted(), func(packet []byte) error {
		if len(packet) > longLine {
			release, err := l.memory.Acquire(ctx, 2*int64(len(packet)))
			if err != nil {
				return err
			}
			defer release()
		}
		line, _, err = lines.AppendRow(line[:0], packet)
		if err == nil {
			_, err = summer.Write(line)
		}
		if cap(line) > longLine {
			line = nil
		}
		return err
	})
	return summer.Sum(), err
}

// loadedColumns is the definition with the columns of the chunks' text, in its order.
func loadedColumns(def *schema.Table, load chunk.Load) (*schema.Table, error) {
	loaded := *def
	loaded.Columns = nil
	for _, c := range load.Columns {
		i := slices.IndexFunc(def.Columns, func(d schema.Column) bool { return d.Name == c.Name })
		if i < 0 {
			return nil, errors.New("it has no column " + c.Name)
		}
		loaded.Columns = append(loaded.Columns, def.Columns[i])
	}
	return &loaded, nil
}
