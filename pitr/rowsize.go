package pitr

import (
	"slices"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
)

// rowSizes finds, for a plan, the longest statement that a row of the log becomes. What an event's length says is enough as long as
// the target takes even the longest that it may mean; only beyond that are rows looked at.
type rowSizes struct {
	fold func(schema.Name) schema.Name
	// packet is how long a statement the target takes; 0: of any length.
	packet uint64
	// mariadb: the source has no type JSON, and may have keys over long texts.
	mariadb bool
	// definitions are those of the backup's tables that no statement has changed, by the folded name on the target.
	definitions map[schema.Name]*schema.Table
	// looked are the files of which, where an earlier version wrote the segments, one was read to see whether it holds something
	// compressed; packed those in which that was so.
	looked, packed map[string]bool

	largest uint64      // bytes of the longest statement, or of what it may have at most where the target takes that too
	of      schema.Name // its table, on the source
}

const (
	// asHex: a byte of a string is two digits. In a table without a key an UPDATE names the row by its values too, and texts twice.
	asHex     = 2
	asHexText = 4
	// asDocument: of one byte of a JSON document up to six are printed, for \u0001, and those are hexadecimal digits in the end.
	asDocument = 12
	// besideValues is room for names and short values where only the length of an event is known.
	besideValues = 128 << 10
	// longestKey is what the literals of a key take at most, with the names of its columns: InnoDB's have 3072 bytes.
	longestKey = 16 << 10
	// besideColumns is what stands around the columns of a statement, the table's name included.
	besideColumns = 1 << 10
	// besideColumn is what stands around one value of a row that is named by its values.
	besideColumn = 100
	// longestName is that of a column: 64 characters of three bytes.
	longestName = 3*64 + 2
)

func newRowSizes(fold func(schema.Name) schema.Name, maxAllowedPacket uint64, mariadb bool) *rowSizes {
	z := &rowSizes{fold: fold, mariadb: mariadb, definitions: map[schema.Name]*schema.Table{}, looked: map[string]bool{}, packed: map[string]bool{}}
	if maxAllowedPacket > 0 {
		z.packet = max(min(maxAllowedPacket, target.LargestPacket), target.PacketSlack+1) - target.PacketSlack
	}
	return z
}

// executed takes a statement of the log that is carried out: what it changes is not known by the backup's definition any more.
func (z *rowSizes) executed(x *director.Execution) {
	for _, n := range slices.Concat(x.Dropped, x.Altered) {
		delete(z.definitions, z.fold(n))
	}
	for _, p := range x.Renamed {
		from, to := z.fold(p[0]), z.fold(p[1])
		def := z.definitions[from]
		delete(z.definitions, from)
		delete(z.definitions, to)
		if def != nil && x.Statement.Verb == ddl.RenameTable {
			z.definitions[to] = def
		}
	}
	for _, n := range x.Created {
		delete(z.definitions, z.fold(n))
	}
}

func (z *rowSizes) fits(size uint64) bool { return z.packet == 0 || size <= z.packet }

func (z *rowSizes) add(n schema.Name, size uint64) {
	if size > z.largest {
		z.largest, z.of = size, n
	}
}

// told takes what the index says of a table's rows in a unit. ok is false where the events have to be read.
func (z *rowSizes) told(file string, t *segment.Touched, def *schema.Table, keyless bool) (ok bool) {
	if !t.Unpacked && !z.trusts(file) {
		return false
	}
	documents := !z.mariadb
	if def != nil {
		documents = slices.ContainsFunc(def.Columns, func(c schema.Column) bool { return c.Type == "json" })
	}
	size := max(z.most(t.Largest, false, keyless, documents), z.most(t.LargestDelete, true, keyless, documents))
	if !z.fits(size) {
		return false
	}
	z.add(t.Name, size)
	return true
}

// trusts tells whether lengths that an earlier version noted are those of events: it took the length of something compressed for
// that of what is in it. Of each file one unit is read to see whether there is any.
func (z *rowSizes) trusts(file string) bool {
	looked := z.looked[file]
	z.looked[file] = true
	return looked && !z.packed[file]
}

// most is how long the statement of an event's row gets at most.
func (z *rowSizes) most(size uint64, isDelete, keyless, documents bool) uint64 {
	switch {
	case size == 0:
		return 0
	case isDelete && !keyless && !z.mariadb:
		return min(asHex*size+besideValues, besideColumns+longestKey)
	case documents:
		return asDocument*size + besideValues
	case keyless:
		return asHexText*size + besideValues
	}
	return asHex*size + besideValues
}

// rows takes an event.
func (z *rowSizes) rows(rows *event.Rows, def *schema.Table, keyless bool) {
	isDelete, documents := rows.Action == event.Delete, rows.Table.HasDocuments()
	n := rows.Table.Name
	if size := z.most(rows.Size(), isDelete, keyless, documents); z.fits(size) {
		z.add(n, size)
		return
	}
	if def != nil && len(def.Columns) > len(rows.Table.Columns) {
		def = nil // it was changed behind the log's back, which the replay finds
	}
	_ = rows.Each(func(before, after event.Image) error { // what cannot be read is the replay's to tell
		if size := z.most(uint64(before.Size()+after.Size()), isDelete, keyless, documents); z.fits(size) && !rows.Table.HasCompressed() {
			z.add(n, size)
			return nil
		}
		c, err := rewriter.NewChange(rows, before, after)
		if err != nil {
			return err
		}
		size, err := statementSize(c, def, keyless)
		if err == nil {
			z.add(n, size)
		}
		return err
	})
}

// statementSize is how long the statement of a change gets, and little more: an INSERT or REPLACE of the after image, an UPDATE to it,
// a DELETE, by the key, or where there is none by the values that the row had. def is the table's definition; nil: not known.
func statementSize(c rewriter.Change, def *schema.Table, keyless bool) (uint64, error) {
	size := uint64(besideColumns)
	var identity []int
	if def != nil {
		identity, _ = def.IdentityColumns()
	} else if !keyless && c.Before.Exists() {
		size += longestKey
	}
	for i := range c.Map.Columns {
		m := &c.Map.Columns[i]
		name, text := uint64(longestName), m.MayBeText()
		if def != nil {
			if i >= len(def.Columns) { // the hash of a key of MariaDB
				break
			}
			if def.Columns[i].Generated != schema.NotGenerated && !slices.Contains(identity, i) {
				continue
			}
			name, text = uint64(len(schema.Quote(def.Columns[i].Name))), def.Columns[i].IsCharacter()
		}
		if c.After.Exists() {
			n, err := literalSize(m, c.After, i)
			if err != nil {
				return 0, err
			}
			size += name + n + uint64(len("=,"))
			if !c.After.Present(i) {
				size += max(name, uint64(len("DEFAULT"))) // as it was
			}
		}
		if !c.Before.Exists() || !keyless && !slices.Contains(identity, i) || !c.Before.Present(i) {
			continue
		}
		n, err := literalSize(m, c.Before, i)
		if err != nil {
			return 0, err
		}
		if keyless && text {
			n *= 2
		}
		size += 2*name + n + besideColumn
	}
	return size, nil
}

// literalSize is the length of a column's literal, or of the expression of its JSON diffs.
func literalSize(m *event.ColumnMeta, im event.Image, i int) (uint64, error) {
	switch {
	case !im.Present(i):
		return 0, nil
	case im.IsDiff(i):
		return asDocument * uint64(im.Size()), nil
	}
	return event.LiteralSize(m, im, i)
}
