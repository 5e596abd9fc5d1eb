package event

import (
	"fmt"
	"iter"
	"slices"
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

// AppendJSONDiffs appends the SQL expression that carries out diffs on the document that expression stands for. Neighbours of one kind
// are one call, which works from left to right as they do: an UPDATE may have thousands, and functions that stand in one
// another as deep as that overrun the server's stack (error 1436).
func AppendJSONDiffs(dst []byte, diffs iter.Seq2[JSONDiff, error], expression []byte) ([]byte, error) {
	var calls []string // the outermost last
	var arguments []byte
	for d, err := range diffs {
		if err != nil {
			return dst, err
		}
		function := d.function()
		if n := len(calls); n == 0 || calls[n-1] != function {
			if n > 0 {
				arguments = append(arguments, ')')
			}
			calls = append(calls, function)
		}
		arguments = appendHex(append(arguments, ",_utf8mb4 "...), d.Path)
		if d.Operation == JSONRemove {
			continue
		}
		if arguments, err = appendJSONLiteral(append(arguments, ','), d.Value); err != nil {
			return dst, err
		}
	}
	for _, function := range slices.Backward(calls) {
		dst = append(append(dst, function...), '(')
	}
	dst = append(append(dst, expression...), arguments...)
	if len(calls) > 0 {
		dst = append(dst, ')')
	}
	return dst, nil
}

// function is that of SQL which does what the diff does.
func (d *JSONDiff) function() string {
	switch {
	case d.Operation == JSONRemove:
		return "JSON_REMOVE"
	case d.Operation == JSONReplace:
		return "JSON_REPLACE"
	case d.IntoArray():
		return "JSON_ARRAY_INSERT"
	}
	return "JSON_INSERT"
}
