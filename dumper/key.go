package dumper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/chunk"
)

// path is how a table is walked: the key, and where its values stand in the SELECT's rows.
type path struct {
	table   *schema.Table
	key     string
	hash    bool
	parts   []keyPart
	fields  []int    // the part's field in a row
	further []string // expressions behind those of chunk.Select, for parts that it leaves out
	list    string   // the whole SELECT list
}

// paths returns the ways to walk a table, the best first: by the identity, by another key that
// tells rows apart.
func paths(t *schema.Table) []path {
	expressions, columns := chunk.Select(t)
	var all []path
	for _, key := range t.Identities() {
		if key.Invisible { // the optimizer does not see it
			continue
		}
		p := path{table: t, key: key.Name, hash: key.Hash}
		for _, part := range key.Parts {
			c, _ := t.Column(part.Column)
			field := slices.Index(columns, c.Name)
			// A stored generated column is not read; a FLOAT(p,s) is, within its digits, which is not
			// always where its row stands in the key.
			if field < 0 || c.Type == "float" && c.Decimals >= 0 {
				field = len(expressions) + len(p.further)
				p.further = append(p.further, boundExpression(c))
			}
			p.parts = append(p.parts, keyPart{column: c, descending: part.Descending})
			p.fields = append(p.fields, field)
		}
		p.list = strings.Join(append(slices.Clone(expressions), p.further...), ", ")
		all = append(all, p)
	}
	return all
}

// boundExpression reads a column as it is stored, the way that package chunk reads one of its
// type, generated or not and whatever digits it is declared with.
func boundExpression(c *schema.Column) string {
	plain := *c
	plain.Generated, plain.Decimals = schema.NotGenerated, -1
	expressions, _ := chunk.Select(&schema.Table{Columns: []schema.Column{plain}})
	return expressions[0]
}

// certain tells whether the server orders and finds each part by the same comparison. ENUM and
// SET are ordered by number and BIT is written as one, a key of a MEMORY table is a hash unless it says
// otherwise, and one of MariaDB over long values is: whether a key serves then is the optimizer's to say.
func (p *path) certain() bool {
	return !p.hash && !strings.EqualFold(p.table.Engine, "MEMORY") && !slices.ContainsFunc(p.parts, func(k keyPart) bool {
		return k.column.Type == "enum" || k.column.Type == "set" || k.column.Type == "bit"
	})
}

// selectFrom renders a chunk's SELECT: at most limit rows behind one bound, which is nil at the
// beginning, and up to another one, which is nil at the end. hint bounds its time on servers that know how.
func (p *path) selectFrom(bound, until []string, limit uint64, hint string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SELECT %s%s FROM %s FORCE INDEX (%s)", hint, p.list, p.table.Name.Quoted(), schema.Quote(p.key))
	switch {
	case bound != nil && until != nil:
		b.WriteString(" WHERE (" + behind(p.parts, bound) + ") AND (" + upTo(p.parts, until) + ")")
	case bound != nil:
		b.WriteString(" WHERE " + behind(p.parts, bound))
	case until != nil:
		b.WriteString(" WHERE " + upTo(p.parts, until))
	}
	fmt.Fprintf(&b, " ORDER BY %s LIMIT %d", order(p.parts), limit)
	return b.String()
}

// bound renders the key of a row as it will be compared. values is reused.
func (p *path) bound(packet []byte, values [][]byte) ([]string, [][]byte, error) {
	values, err := server.SplitRow(packet, values)
	if err != nil {
		return nil, values, err
	}
	bound := make([]string, len(p.parts))
	for i, part := range p.parts {
		if p.fields[i] >= len(values) || values[p.fields[i]] == nil {
			return nil, values, fmt.Errorf("the key of %s has no value for %s", p.table.Name, part.column.Name)
		}
		if bound[i], err = part.literal(values[p.fields[i]]); err != nil {
			return nil, values, fmt.Errorf("walk %s by %s: %w", p.table.Name, p.key, err)
		}
	}
	return bound, values, nil
}

// choosePath returns the way to walk the table, or nil where none can be walked: then it is
// read as one chunk.
func (r *tableRead) choosePath(ctx context.Context) (*path, error) {
	for _, p := range paths(r.table) {
		if p.certain() {
			return &p, nil
		}
		walks, err := r.explain(ctx, &p)
		if err != nil {
			return nil, err
		}
		if walks {
			return &p, nil
		}
	}
	return nil, nil
}

// explain asks whether the optimizer walks the key as a range. The format is asked for by name:
// the default of 9.x is a tree (fact 15.17).
func (r *tableRead) explain(ctx context.Context, p *path) (bool, error) {
	conn, err := r.connection(ctx)
	if err != nil {
		return false, err
	}
	bound := make([]string, len(p.parts))
	for i, part := range p.parts {
		if bound[i], err = part.sample(); err != nil {
			return false, nil //nolint:nilerr // a key of which no bound can be written is not walked
		}
	}
	var names []string
	var plan [][]string
	fields, err := conn.Query(ctx, "EXPLAIN FORMAT=TRADITIONAL "+p.selectFrom(bound, nil, 1000, ""), func(packet []byte) error {
		row, err := server.TextRow(packet)
		plan = append(plan, row)
		return err
	})
	if err != nil {
		return false, err
	}
	for _, f := range fields {
		names = append(names, f.Name)
	}
	kind, key := slices.Index(names, "type"), slices.Index(names, "key")
	if kind < 0 || key < 0 || len(plan) != 1 {
		return false, errors.New("EXPLAIN gave no plan in the traditional format")
	}
	return plan[0][kind] == "range" && plan[0][key] == p.key, nil
}

// sample is a bound as it might come, for EXPLAIN.
func (p keyPart) sample() (string, error) {
	switch p.column.Type {
	case "date":
		return p.literal([]byte("2000-01-01"))
	case "time":
		return p.literal([]byte("00:00:00"))
	case "datetime", "timestamp":
		return p.literal([]byte("2000-01-01 00:00:00"))
	case "year":
		return p.literal([]byte("2000"))
	case "bit":
		return p.literal([]byte{1})
	}
	return p.literal([]byte("1"))
}
