package window

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// source is where histories happen: one connection to the server, whose log is read from its files.
type source struct {
	*session
	server *mysqltest.Server
	defs   []*schema.Table
	tables []*rewriter.Table
	texts  ranks
}

// sourceSchema holds the tables of the source. Those of the targets have its name and a number.
const sourceSchema = "w"

// beat is a table with one row that every transaction changes: so each is logged, and says which it is.
const beat = "beat"

func newSource(ctx context.Context, server *mysqltest.Server, db *sql.DB) (*source, error) {
	session, err := begin(ctx, db, sourceSchema, sourceName)
	if err != nil {
		return nil, err
	}
	s := &source{session: session, server: server, texts: ranks{}}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, session.Close())
	}
	return s, nil
}

func (s *source) prepare(ctx context.Context) error {
	if _, err := s.run(ctx, "CREATE TABLE "+beat+" (seed BIGINT UNSIGNED, n INT);INSERT INTO "+beat+" VALUES (0,0)"); err != nil {
		return err
	}
	for i := range shapes {
		def, err := s.definition(ctx, sourceName(i))
		if err != nil {
			return err
		}
		table := rewriter.NewTable(def, def.Name)
		if keyed := i < len(keyedShapes); table.Keyed() != keyed {
			return fmt.Errorf("the table of %q has an identity: %v", shapes[i].name, !keyed)
		}
		s.defs, s.tables = append(s.defs, def), append(s.tables, table)
		for n := range shapes[i].columns {
			if err := s.rankTexts(ctx, def, &shapes[i].columns[n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// rankTexts asks the server how the values of a text column are ordered.
func (s *source) rankTexts(ctx context.Context, def *schema.Table, c *column) error {
	if c.number {
		return nil
	}
	var values []string
	for _, v := range append(slices.Clone(c.values), c.spare) {
		if v != null && v != "" {
			values = append(values, "("+v+"),(UPPER("+v+")),(LOWER("+v+"))")
		}
	}
	if _, err := s.run(ctx, "CREATE TEMPORARY TABLE texts AS SELECT "+c.name+" AS c FROM "+def.Name.Name+" LIMIT 0;INSERT INTO texts VALUES "+strings.Join(values, ",")); err != nil {
		return err
	}
	parsed, _ := def.Column(c.name)
	named := *parsed
	named.Name = "c"
	list, err := s.rows(ctx, "SELECT "+literalOf(&named)+", DENSE_RANK() OVER (ORDER BY c) FROM texts")
	if err != nil {
		return err
	}
	of := map[string]uint64{}
	for _, r := range list {
		if of[r[0]], err = strconv.ParseUint(r[1], 10, 64); err != nil {
			return fmt.Errorf("read a rank: %w", err)
		}
	}
	s.texts[def.Name.Name+"."+c.name] = of
	_, err = s.run(ctx, "DROP TEMPORARY TABLE texts")
	return err
}

// make lets the histories of some seeds happen, one after the other, and reads what was logged.
func (s *source) make(ctx context.Context, seeds []uint64) ([]*history, error) {
	file, err := s.mark(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]*history, len(seeds))
	ends := make([][]string, len(seeds))
	for i, seed := range seeds {
		h := draw(seed)
		h.def, h.table = s.defs[h.shape], s.tables[h.shape]
		if _, err := s.run(ctx, script(h)); err != nil {
			return nil, fmt.Errorf("history of seed %d: %w", seed, err)
		}
		rows, err := s.rows(ctx, contents(h.def))
		if err != nil {
			return nil, fmt.Errorf("history of seed %d: %w", seed, err)
		}
		list[i], ends[i] = h, state(rows).sorted()
	}
	if err := readLog(file, list); err != nil {
		return nil, fmt.Errorf("read the log of seeds %d to %d: %w", seeds[0], seeds[len(seeds)-1], err)
	}
	for i, h := range list {
		if len(h.states) != len(h.wished)+1 {
			return nil, fmt.Errorf("history of seed %d: %d of %d transactions are in the log", h.seed, len(h.states)-1, len(h.wished))
		}
		if end := h.states[len(h.states)-1].sorted(); !slices.Equal(end, ends[i]) {
			return nil, fmt.Errorf("history of seed %d: the log leads to %v, the table holds %v", h.seed, end, ends[i])
		}
		if err := h.plan(s.texts); err != nil {
			return nil, fmt.Errorf("history of seed %d: %w", h.seed, err)
		}
	}
	return list, nil
}

// mark begins a new log file, and removes those before it.
func (s *source) mark(ctx context.Context) (string, error) {
	if _, err := s.run(ctx, "FLUSH BINARY LOGS"); err != nil {
		return "", err
	}
	files, err := s.server.BinlogFiles()
	if err != nil {
		return "", err
	}
	file := files[len(files)-1]
	_, err = s.run(ctx, "PURGE BINARY LOGS TO '"+filepath.Base(file)+"'")
	return file, err
}

// script is a history as one text.
func script(h *history) string {
	var b strings.Builder
	for n, statements := range append([][]string{h.first}, h.wished...) {
		fmt.Fprintf(&b, "START TRANSACTION;%s;UPDATE %s SET seed=%d,n=%d;COMMIT;", strings.Join(statements, ";"), beat, h.seed, n)
	}
	return strings.TrimSuffix(b.String(), ";")
}

// readLog gives each history what was logged of it.
func readLog(file string, list []*history) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	of := map[uint64]*history{}
	for _, h := range list {
		of[h.seed] = h
	}
	var changes []rewriter.Change
	var seed uint64
	a := event.NewAssembler("window")
	a.OnRows(func(_ *event.Entry, rows *event.Rows) error {
		return rows.Each(func(before, after event.Image) error {
			if rows.Table.Name.Name == beat {
				seed = binary.LittleEndian.Uint64(after.Raw(0))
				return nil
			}
			changes = append(changes, rewriter.Change{Map: rows.Table, Before: before.Clone(), After: after.Clone()})
			return nil
		})
	})
	const magic = 4
	for pos := magic; pos < len(data); {
		size := int(binary.LittleEndian.Uint32(data[pos+9:]))
		ended, err := a.Add(filepath.Base(file), uint64(pos), data[pos:pos+size])
		if err != nil {
			return err
		}
		if ended != nil && ended.Kind == event.Transaction {
			h := of[seed]
			if h == nil {
				return fmt.Errorf("a transaction of seed %d, which was not asked for", seed)
			}
			if err := h.take(changes); err != nil {
				return fmt.Errorf("history of seed %d, transaction %d: %w", seed, len(h.states), err)
			}
			changes = nil
		}
		pos += size
	}
	return nil
}
