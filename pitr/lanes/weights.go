package lanes

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
)

// Collations knows how the target compares texts: it is asked. One goroutine uses it at a time.
type Collations struct {
	session target.Querier
	known   map[string]*collation // by name; nil for one whose texts have no weights that can be put together
}

// NewCollations asks by a session, which has nothing else to do at the time of a call.
func NewCollations(session target.Querier) *Collations {
	return &Collations{session: session, known: map[string]*collation{}}
}

// collation is what the target said of one. The weight of a text of printable ASCII characters is that of its
// characters, one behind the other: the target said so for every pair. It is asked for the weights of all others.
type collation struct {
	schema.Collation
	printable [firstBeyond - firstPrintable][]byte
	asked     map[string][]byte
	size      int // of asked, in bytes
}

// The characters that are ASCII's, and no control characters.
const firstPrintable, firstBeyond = 0x20, 0x7f

// mostAsked bounds the weights that are kept of one collation, in bytes: hot keys are few.
const mostAsked = 1 << 20

// askedCost is what a kept weight takes beside its bytes, nearly.
const askedCost = 96

// readWeights asks for the weights of all characters and of all pairs of them.
const readWeights = `WITH RECURSIVE n(i) AS (SELECT %[3]d UNION ALL SELECT i+1 FROM n WHERE i<%[4]d-1),
s AS (SELECT i, WEIGHT_STRING(CHAR(i USING %[1]s) COLLATE %[2]s) AS w FROM n)
SELECT i, HEX(w) FROM s UNION ALL
SELECT -1, COUNT(*) FROM s a JOIN s b WHERE WEIGHT_STRING(CHAR(a.i,b.i USING %[1]s) COLLATE %[2]s)<>CONCAT(a.w,b.w)`

// of returns a collation, nil where its texts stay in the ordered lane: character sets in which a byte may
// be a part of any character, collations that look at more than one character or compare in several levels,
// servers that do not understand the question (before 8.0).
func (c *Collations) of(ctx context.Context, name string) (*collation, error) {
	if known, ok := c.known[name]; ok {
		return known, nil
	}
	k, ok := schema.CollationByName(name)
	set, _ := schema.CharsetByName(k.Charset)
	if !ok || set.MaxBytes > 1 && k.Charset != "utf8mb4" && k.Charset != "utf8mb3" || k.Charset == "swe7" {
		c.known[name] = nil
		return nil, nil
	}
	rows, err := c.session.QueryRows(ctx, fmt.Sprintf(readWeights, k.Charset, k.Name, firstPrintable, firstBeyond))
	if number := server.ErrorNumber(err); number != 0 {
		c.known[name] = nil
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask the target for the weights of %s: %w", name, err)
	}
	found := &collation{Collation: k, asked: map[string][]byte{}}
	for _, row := range rows {
		var i int
		if _, err := fmt.Sscan(row[0], &i); err != nil {
			return nil, fmt.Errorf("read the weights of %s: %w", name, err)
		}
		if i < 0 {
			if row[1] != "0" {
				found = nil // two characters are compared as something else than one behind the other
			}
			break
		}
		if found.printable[i-firstPrintable], err = hex.DecodeString(row[1]); err != nil {
			return nil, fmt.Errorf("read the weights of %s: %w", name, err)
		}
	}
	if found != nil && k.PadSpace && !found.evenWidth() {
		found = nil
	}
	c.known[name] = found
	return found, nil
}

// evenWidth tells whether all weights are as long as that of a blank: then those at the end of a text are seen.
func (c *collation) evenWidth() bool {
	for _, w := range c.printable {
		if len(w) != len(c.printable[0]) || len(w) == 0 {
			return false
		}
	}
	return true
}

// appendPrintable appends the weight of a text of printable characters; ok is false for any other text.
func (c *collation) appendPrintable(dst, raw []byte) (weight []byte, ok bool) {
	begun := len(dst)
	for _, b := range raw {
		if b < firstPrintable || b >= firstBeyond {
			return dst[:begun], false
		}
		dst = append(dst, c.printable[b-firstPrintable]...)
	}
	return append(dst[:begun], c.withoutPad(dst[begun:])...), true
}

// withoutPad takes the blanks at the end off, and whatever weighs as much as one, where they do not count.
func (c *collation) withoutPad(weight []byte) []byte {
	if !c.PadSpace {
		return weight
	}
	blank := c.printable[0]
	for len(weight)%len(blank) == 0 && bytes.HasSuffix(weight, blank) {
		weight = weight[:len(weight)-len(blank)]
	}
	return weight
}

// know asks for the weights of texts that are not known.
func (c *collation) know(ctx context.Context, s target.Querier, texts []string) error {
	var fields []string
	for _, raw := range texts {
		fields = append(fields, fmt.Sprintf("HEX(WEIGHT_STRING(_%s x'%x' COLLATE %s))", c.Charset, raw, c.Name))
	}
	rows, err := s.QueryRows(ctx, "SELECT "+strings.Join(fields, ", "))
	if err != nil {
		return fmt.Errorf("ask the target for the weights of texts in %s: %w", c.Name, err)
	}
	for i, raw := range texts {
		weight, err := hex.DecodeString(rows[0][i])
		if err != nil {
			return fmt.Errorf("read the weights of texts in %s: %w", c.Name, err)
		}
		weight = bytes.Clone(c.withoutPad(weight))
		c.asked[raw] = weight
		c.size += askedCost + len(raw) + len(weight)
	}
	return nil
}

// Weights are those of one table's identity: a rewriter.Weigher.
type Weights struct {
	session target.Querier
	columns map[int]*collation // by ordinal
	missing map[*collation]map[string]bool
}

// Weights returns what tells rows of a table apart whose identity has texts; nil where that has to be left to
// the target, or is nothing but bytes.
func (c *Collations) Weights(ctx context.Context, t *rewriter.Table) (*Weights, error) {
	texts, ok := t.TextIdentity()
	if !ok || len(texts) == 0 {
		return nil, nil
	}
	w := &Weights{session: c.session, columns: map[int]*collation{}, missing: map[*collation]map[string]bool{}}
	for _, i := range texts {
		found, err := c.of(ctx, t.Definition().Columns[i].Collation)
		if err != nil || found == nil {
			return nil, err
		}
		w.columns[i] = found
	}
	return w, nil
}

// Weighs implements rewriter.Weigher.
func (w *Weights) Weighs(i int) bool { return w.columns[i] != nil }

// AppendWeight implements rewriter.Weigher. Prepare has been called for the change.
func (w *Weights) AppendWeight(dst []byte, i int, raw []byte) []byte {
	c := w.columns[i]
	if weight, ok := c.appendPrintable(dst, raw); ok {
		return weight
	}
	return append(dst, c.asked[string(raw)]...)
}

// Prepare asks for whatever AppendWeight needs for a change.
func (w *Weights) Prepare(ctx context.Context, t *rewriter.Table, c rewriter.Change) error {
	w.begin()
	w.lookAt(t, c.Before)
	w.lookAt(t, c.After)
	return w.ask(ctx)
}

// PrepareRows is Prepare for all rows of an event, in few questions.
func (w *Weights) PrepareRows(ctx context.Context, t *rewriter.Table, rows *event.Rows) error {
	w.begin()
	err := rows.Each(func(before, after event.Image) error {
		w.lookAt(t, before)
		w.lookAt(t, after)
		return nil
	})
	return errors.Join(err, w.ask(ctx))
}

// PrepareValue is Prepare for one value.
func (w *Weights) PrepareValue(ctx context.Context, i int, raw []byte) error {
	w.begin()
	w.look(i, raw)
	return w.ask(ctx)
}

// begin makes room before anything is looked up.
func (w *Weights) begin() {
	clear(w.missing)
	for _, of := range w.columns {
		if of.size > mostAsked {
			clear(of.asked)
			of.size = 0
		}
	}
}

func (w *Weights) lookAt(t *rewriter.Table, im event.Image) {
	if im.Exists() && t.Fits(im.NumColumns()) { // a Latest refuses others
		t.Identity(im, w.look)
	}
}

func (w *Weights) look(i int, raw []byte) {
	of := w.columns[i]
	if of == nil || isPrintable(raw) {
		return
	}
	if _, known := of.asked[string(raw)]; known {
		return
	}
	if w.missing[of] == nil {
		w.missing[of] = map[string]bool{}
	}
	w.missing[of][string(raw)] = true
}

// askedAtOnce bounds a question: a server takes 4096 expressions.
const askedAtOnce = 500

func (w *Weights) ask(ctx context.Context) error {
	for of, texts := range w.missing {
		for some := range slices.Chunk(slices.Sorted(maps.Keys(texts)), askedAtOnce) {
			if err := of.know(ctx, w.session, some); err != nil {
				return err
			}
		}
	}
	return nil
}

func isPrintable(raw []byte) bool {
	for _, b := range raw {
		if b < firstPrintable || b >= firstBeyond {
			return false
		}
	}
	return true
}
