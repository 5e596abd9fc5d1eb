package event

import (
	"bytes"
	"fmt"
	"iter"
)

// JSONOperation is what a JSON diff does at its path.
type JSONOperation byte

// The operations.
const (
	JSONReplace JSONOperation = iota // the value at the path
	JSONInsert                       // a member, or an element in front of the one at the path
	JSONRemove                       // the value at the path
)

// JSONDiff is one step that leads from a document to the next one (binlog_row_value_options=PARTIAL_JSON).
type JSONDiff struct {
	Operation JSONOperation
	Path      []byte // as the server prints it
	Value     []byte // a stored document, as in row images; nil for JSONRemove
	legs      []jsonLeg
}

// IntoArray tells whether the path ends in an array cell rather than in a member.
func (d *JSONDiff) IntoArray() bool { return !d.legs[len(d.legs)-1].member }

// JSONDiffs yields the diffs of column i in their order: each speaks of the document that those
// before it have made.
func (im Image) JSONDiffs(i int) iter.Seq2[JSONDiff, error] {
	_, content := im.content(i)
	return jsonDiffs(content)
}

// jsonDiffs reads diffs: each an operation, a path with its length in front and, but for a
// removal, a value likewise. Of all diffs of all columns; go-mysql reads the first only (fact 6.5).
func jsonDiffs(content []byte) iter.Seq2[JSONDiff, error] {
	return func(yield func(JSONDiff, error) bool) {
		c := &cursor{kind: TypePartialUpdateRows, body: content}
		for c.left() > 0 {
			d := JSONDiff{Operation: JSONOperation(c.u8("operation of a JSON diff"))}
			if d.Operation > JSONRemove {
				c.fail("operation %d of a JSON diff", d.Operation)
			}
			d.Path = c.lenencBytes("path of a JSON diff")
			if d.Operation != JSONRemove {
				d.Value = c.lenencBytes("value of a JSON diff")
				if c.err == nil && len(d.Value) == 0 {
					c.fail("a JSON diff without a value")
				}
			}
			err := c.err
			if err == nil {
				d.legs, err = parseJSONPath(d.Path)
			}
			if err != nil {
				yield(JSONDiff{}, fmt.Errorf("read a JSON diff: %w", err))
				return
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}

// applyDiffs carries out diffs on a stored document, as a replica does, and returns the stored
// document that they make. What does not fit the document is an error, never passed over.
func applyDiffs(document, diffs []byte) ([]byte, error) {
	if len(document) == 0 {
		return nil, jsonbError("a diff of an empty document")
	}
	root := &jsonNode{kind: document[0], data: document[1:]}
	for d, err := range jsonDiffs(diffs) {
		if err != nil {
			return nil, err
		}
		if err := root.apply(&d); err != nil {
			return nil, fmt.Errorf("carry out a JSON diff at %s: %w", d.Path, err)
		}
	}
	return root.appendDocument(nil)
}

// AppendJSONDiff appends the SQL expression that carries out a diff on the document that expression
// stands for.
func AppendJSONDiff(dst []byte, d *JSONDiff, expression []byte) ([]byte, error) {
	function := map[JSONOperation]string{JSONReplace: "JSON_REPLACE(", JSONInsert: "JSON_INSERT(", JSONRemove: "JSON_REMOVE("}[d.Operation]
	if d.Operation == JSONInsert && d.IntoArray() {
		function = "JSON_ARRAY_INSERT("
	}
	dst = append(append(dst, function...), bytes.Clone(expression)...)
	dst = appendHex(append(dst, ",_utf8mb4 "...), d.Path)
	if d.Operation != JSONRemove {
		var err error
		if dst, err = appendJSONLiteral(append(dst, ','), d.Value); err != nil {
			return dst, err
		}
	}
	return append(dst, ')'), nil
}
