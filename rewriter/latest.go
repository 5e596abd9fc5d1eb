package rewriter

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
)

// ErrContradiction: a change inserts a row that an earlier change of the same Latest left there,
// or changes one that an earlier change took away.
var ErrContradiction = errors.New("the log contradicts itself")

// ErrNeedsOrder: a change that no last image stands for: it needs the row that the target has.
var ErrNeedsOrder = errors.New("the change needs the row as it is on the target")

// Latest collects changes of one keyed table and keeps, for each row key, only the last image:
// what the table holds behind them. They are written in two steps, which converge in any order
// inside each step (DESIGN section 8): Delete of every key, then Upsert of every key. One
// step alone loses rows: with a unique value that moves, or 'b' -> 'B'.
//
// The after image of an UPDATE that lacks columns is laid over the image before it. Where there is
// none, the row stays on the target, and the second step sets the columns that it has: such a table
// must have no unique key beside its identity, for no deletion makes way there.
//
// Keys are compared as bytes, or by their weights: the table must be one of ByteIdentity, or have a Weigher. Not safe for concurrent
// use; of a sorted Latest, different parts may be read at once.
type Latest struct {
	table   *Table
	index   map[uint64]int32 // by hash of the key; the others of one hash follow by keyState.next
	keys    []keyState
	maps    []*event.TableMap
	origins []Origin // of entries, without row numbers
	key     []byte   // of the change at hand
	weight  []byte   // of the value at hand
	block   []byte   // what is left of the memory that images are copied to
	images  event.ImageReader
	size    int
	window  bool
}

// keyState is what a Latest knows of one row key.
type keyState struct {
	next int32 // with the same hash; -1 ends
	// data is the key followed by an image of the row with that key: the last one, or, where the
	// row is gone, the one that it had then. In front of an image that lacks columns stands which it has.
	data    []byte
	keySize int32
	layout  int32 // in Latest.maps
	origin  int32 // of its first change, in Latest.origins
	row     uint64
	change  change
	existed bool // before the first change
	exists  bool // behind the last change
	window  bool // of the first change's rule
	lacking bool // the image lacks columns
	// made: the row was put in by a change of this Latest, so that what the image lacks are defaults.
	// Else it is what the target has.
	made bool
}

type change byte

const (
	changeInsert change = iota
	changeUpdate
	changeDelete
)

func (c change) String() string { return [...]string{"insert", "update", "delete"}[c] }

// seed makes hashes differ between processes, as maps do.
var seed = maphash.MakeSeed()

// What a Latest takes beside the images.
const (
	largestBlock = 64 << 10
	keyCost      = 96 // a keyState and its place in the index
	layoutCost   = 1 << 10
)

// NewLatest returns an empty Latest of a table.
func NewLatest(t *Table) *Latest {
	return &Latest{table: t, index: map[uint64]int32{}}
}

// ByteIdentity tells whether rows of the table are the same exactly if their identities are the
// same bytes in an image, and whether identities can be listed. Text compares by its collation,
// 0 equals -0.
func (t *Table) ByteIdentity() bool {
	if t.identityList == "" {
		return false
	}
	for _, i := range t.identity {
		if !byteEqual(&t.def.Columns[i]) {
			return false
		}
	}
	return true
}

// Size returns the bytes of memory that the Latest takes, nearly.
func (l *Latest) Size() int { return l.size + keyCost*len(l.keys) }

// Len returns the number of row keys.
func (l *Latest) Len() int { return len(l.keys) }

// Window tells whether a change was added by rule Window. Its keys are not held to account, so
// the first change behind the window belongs into another Latest (R9).
func (l *Latest) Window() bool { return l.window }

// Add takes a change. It returns ErrPartialImage, ErrContradiction (never of rule Window),
// ErrNeedsOrder, or what made the images unreadable; the Latest is then as before.
func (l *Latest) Add(rule Rule, c Change, o Origin) error {
	if err := l.table.check(c); err != nil {
		return err
	}
	moved := c.Before.Exists() && c.After.Exists() && !l.sameKey(c)
	partial := c.Partial()
	if partial && (moved || c.HasDiff()) || c.After.Exists() && l.table.lacksIdentity(c.After) != "" {
		return fmt.Errorf("%s of a row of %s: %w", c.kind(), l.table.name, ErrNeedsOrder)
	}
	if rule == Account {
		if err := l.consistent(c, moved); err != nil {
			return err
		}
	}
	if partial {
		var err error
		if c.After, err = l.laidOver(c); err != nil {
			return err
		}
	}
	l.window = l.window || rule == Window
	switch {
	case moved:
		l.put(rule, c, c.Before, o, changeUpdate, false, false)
		l.put(rule, c, c.After, o, changeUpdate, true, true)
	case !c.Before.Exists():
		l.put(rule, c, c.After, o, changeInsert, true, true)
	case !c.After.Exists():
		l.put(rule, c, c.Before, o, changeDelete, false, false)
	default:
		l.put(rule, c, c.After, o, changeUpdate, true, false)
	}
	return nil
}

// consistent holds a change to what earlier ones of this Latest say of its rows.
func (l *Latest) consistent(c Change, moved bool) error {
	if c.Before.Exists() {
		if k := l.find(c.Before); k != nil && !k.exists {
			return fmt.Errorf("%s of a row of %s that is not there: %w", c.kind(), l.table.name, ErrContradiction)
		}
	}
	if c.After.Exists() && (moved || !c.Before.Exists()) {
		if k := l.find(c.After); k != nil && k.exists {
			return fmt.Errorf("%s of a row of %s that is there: %w", c.kind(), l.table.name, ErrContradiction)
		}
	}
	return nil
}

// readKey puts the key of an image into l.key: each part with its length in front.
func (l *Latest) readKey(im event.Image) {
	l.key = l.key[:0]
	for _, i := range l.table.identity {
		raw := im.Raw(i)
		if w := l.table.weigher; w != nil && w.Weighs(i) {
			l.weight = w.AppendWeight(l.weight[:0], i, raw)
			raw = l.weight
		}
		l.key = binary.AppendUvarint(l.key, uint64(len(raw)))
		l.key = append(l.key, raw...)
	}
}

// sameKey tells whether both images have one key: a change of case alone may be none of the key.
func (l *Latest) sameKey(c Change) bool {
	if l.table.weigher == nil || l.table.sameIdentity(c) {
		return l.table.sameIdentity(c)
	}
	l.readKey(c.Before)
	before := bytes.Clone(l.key)
	l.readKey(c.After)
	return bytes.Equal(before, l.key)
}

// find returns the state of an image's key, nil for a new one. It leaves the key in l.key.
func (l *Latest) find(im event.Image) *keyState {
	l.readKey(im)
	at, found := l.index[maphash.Bytes(seed, l.key)]
	for found && at >= 0 {
		k := &l.keys[at]
		if bytes.Equal(k.data[:k.keySize], l.key) {
			return k
		}
		at = k.next
	}
	return nil
}

// add makes the state of the key in l.key.
func (l *Latest) add(o Origin, kind change) *keyState {
	entry := o
	entry.Row = 0
	if n := len(l.origins); n == 0 || l.origins[n-1] != entry {
		l.origins = append(l.origins, entry)
		l.size += 128 // an Origin, nearly
	}
	hash := maphash.Bytes(seed, l.key)
	next, found := l.index[hash]
	if !found {
		next = -1
	}
	l.index[hash] = int32(len(l.keys))
	l.keys = append(l.keys, keyState{next: next, origin: int32(len(l.origins) - 1), row: o.Row, change: kind})
	return &l.keys[len(l.keys)-1]
}

// allocate returns room for n bytes, and for no more.
func (l *Latest) allocate(n int) []byte {
	if n > largestBlock/4 {
		l.size += n
		return make([]byte, 0, n)
	}
	if n > len(l.block) {
		// Of many tables most have few changes.
		fresh := max(4*n, min(largestBlock, l.size))
		l.block = make([]byte, fresh)
		l.size += fresh
	}
	room := l.block[:0:n]
	l.block = l.block[n:]
	return room
}

// layout returns the number of a table map.
func (l *Latest) layout(m *event.TableMap) int32 {
	for i := len(l.maps) - 1; i >= 0; i-- {
		if l.maps[i].SameLayout(m) {
			return int32(i)
		}
	}
	l.maps = append(l.maps, m)
	l.size += layoutCost
	return int32(len(l.maps) - 1)
}

// Sort puts the keys into an order in which neighbours of the table are neighbours, and ends the
// adding.
func (l *Latest) Sort() {
	l.index = nil
	slices.SortFunc(l.keys, l.comparison())
}

// comparison orders keys of one integer as numbers; what others' bytes say about their order is
// good enough.
func (l *Latest) comparison() func(a, b keyState) int {
	first := &l.table.def.Columns[l.table.identity[0]]
	switch first.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
	default:
		return func(a, b keyState) int { return bytes.Compare(a.data[:a.keySize], b.data[:b.keySize]) }
	}
	number := func(k keyState) uint64 {
		n, size := binary.Uvarint(k.data)
		var bits [8]byte
		copy(bits[:], k.data[size:size+int(n)])
		v := binary.LittleEndian.Uint64(bits[:])
		if first.Unsigned {
			return v
		}
		return v<<(64-8*n) ^ 1<<63 // sign first
	}
	return func(a, b keyState) int {
		return cmp.Or(cmp.Compare(number(a), number(b)), bytes.Compare(a.data[:a.keySize], b.data[:b.keySize]))
	}
}

// Delete appends, to a batch, the first step of key i. Under account a row that was there before
// is taken away, and must have been there; in the window any is.
func (l *Latest) Delete(b *Batch, r *event.ImageReader, i int) error {
	k := &l.keys[i]
	if !k.existed && !k.window || k.stays() {
		return nil
	}
	return l.write(b, r, k, func(c Change, o Origin) error {
		c.Before, c.After = c.After, event.Image{}
		if k.window {
			return b.addDelete(l.table, c, o, Uncounted)
		}
		return b.addDelete(l.table, c, o, 1)
	})
}

// Upsert appends, to a batch, the second step of key i: the row that is there in the end. Under
// account it may meet no other; in the window the binlog wins.
func (l *Latest) Upsert(b *Batch, r *event.ImageReader, i int) error {
	k := &l.keys[i]
	if !k.exists {
		return nil
	}
	return l.write(b, r, k, func(c Change, o Origin) error {
		if k.stays() {
			c.Before = c.After
			if k.window {
				return b.addUpdate(l.table, c, o, Uncounted)
			}
			return b.addUpdate(l.table, c, o, 1)
		}
		if k.window {
			return b.addTuple(l.table, verbReplace, c, o, Uncounted)
		}
		return b.addTuple(l.table, verbInsert, c, o, 1)
	})
}

// write adds the piece of one step of one key. What --on-divergence binlog-wins does instead is
// the same without account.
func (l *Latest) write(b *Batch, r *event.ImageReader, k *keyState, add func(Change, Origin) error) error {
	im, err := l.image(r, k)
	if err != nil {
		return err
	}
	c := Change{Map: l.maps[k.layout], After: im}
	o := l.origins[k.origin]
	o.Row = k.row
	at := len(b.pieces)
	if err := add(c, o); err != nil {
		return err
	}
	p := &b.pieces[at]
	p.rule, p.change = Account, k.change.String()
	if k.window {
		p.rule = Window
		return nil
	}
	if b.alternatives == nil {
		return nil
	}
	p.from = len(b.alternatives.pieces)
	if p.verb == verbInsert {
		err = b.alternatives.addTuple(l.table, verbReplace, c, o, Uncounted)
	}
	p.to = len(b.alternatives.pieces)
	return err
}

// Name returns the table's name on the target.
func (l *Latest) Name() schema.Name { return l.table.name }
