package event

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// jsonNode is a value of a document that is being changed. What no diff has come to stays as it was
// stored: only the containers on the way to a change are opened.
type jsonNode struct {
	kind byte
	data []byte // behind the type, as stored; may be followed by bytes of others
	open bool
	// Of an open container:
	names    []string // of an object
	children []*jsonNode
}

func (n *jsonNode) isObject() bool { return n.kind == jsonbSmallObject || n.kind == jsonbLargeObject }
func (n *jsonNode) isArray() bool  { return n.kind == jsonbSmallArray || n.kind == jsonbLargeArray }

// expand opens a container.
func (n *jsonNode) expand() error {
	if n.open || !n.isObject() && !n.isArray() {
		return nil
	}
	b, err := openContainer(n.kind, n.data)
	if err != nil {
		return err
	}
	n.children = make([]*jsonNode, b.count)
	if b.object {
		n.names = make([]string, b.count)
	}
	for i := range b.count {
		kind, data, err := b.value(i)
		if err != nil {
			return err
		}
		n.children[i] = &jsonNode{kind: kind, data: data}
		if !b.object {
			continue
		}
		name, err := b.key(i)
		if err != nil {
			return err
		}
		n.names[i] = string(name)
	}
	n.open = true
	return nil
}

// compareNames orders members as servers store them: shorter names first.
func compareNames(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// child returns the place of a leg's value among the children; ok is false where there is none.
func (n *jsonNode) child(l jsonLeg) (at int, ok bool, err error) {
	if err := n.expand(); err != nil {
		return 0, false, err
	}
	switch {
	case l.member && n.isObject():
		at, ok = slices.BinarySearchFunc(n.names, l.name, compareNames)
	case !l.member && n.isArray():
		at = l.cell(len(n.children))
		ok = at >= 0 && at < len(n.children)
	}
	return at, ok, nil
}

// wraps tells whether the leg names the value itself: what is no array counts as one of one element.
func (n *jsonNode) wraps(l jsonLeg) bool { return !l.member && !n.isArray() && l.cell(1) == 0 }

var errNoSuchValue = jsonbError("the document has no such value")

// seek follows legs.
func (n *jsonNode) seek(legs []jsonLeg) (*jsonNode, error) {
	for _, l := range legs {
		if n.wraps(l) {
			continue
		}
		at, ok, err := n.child(l)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, errNoSuchValue
		}
		n = n.children[at]
	}
	return n, nil
}

// apply carries out one diff.
func (n *jsonNode) apply(d *JSONDiff) error {
	legs := d.legs
	last := legs[len(legs)-1]
	if d.Operation != JSONInsert {
		// The last leg may wrap as well: the value is that of a leg in front of it.
		for len(legs) > 1 {
			parent, err := n.seek(legs[:len(legs)-1])
			if err != nil {
				return err
			}
			if !parent.wraps(last) {
				break
			}
			legs = legs[:len(legs)-1]
			last = legs[len(legs)-1]
		}
	}
	parent, err := n.seek(legs[:len(legs)-1])
	if err != nil {
		return err
	}
	at, found, err := parent.child(last)
	if err != nil {
		return err
	}
	switch {
	case d.Operation == JSONInsert:
		return parent.insert(last, at, found, d.Value)
	case !found:
		return errNoSuchValue
	case d.Operation == JSONReplace:
		parent.children[at] = newJSONNode(d.Value)
	default:
		parent.children = slices.Delete(parent.children, at, at+1)
		if parent.isObject() {
			parent.names = slices.Delete(parent.names, at, at+1)
		}
	}
	return nil
}

func newJSONNode(document []byte) *jsonNode { return &jsonNode{kind: document[0], data: document[1:]} }

// insert puts a value in: a new member, or an element in front of the one that is there; behind
// the last one where the cell lies outside.
func (n *jsonNode) insert(l jsonLeg, at int, found bool, value []byte) error {
	switch {
	case l.member && n.isObject() && !found:
		n.names = slices.Insert(n.names, at, l.name)
	case !l.member && n.isArray():
		at = max(0, min(at, len(n.children)))
	default:
		return jsonbError("the document has no place for the value")
	}
	n.children = slices.Insert(n.children, at, newJSONNode(value))
	return nil
}

// appendDocument appends the stored form: what was opened in the form of large containers, whatever
// its size, all else as it was.
func (n *jsonNode) appendDocument(dst []byte) ([]byte, error) {
	return n.appendData(append(dst, n.storedKind()), 0)
}

// storedKind is the type under which appendData stores the value.
func (n *jsonNode) storedKind() byte {
	switch {
	case !n.open:
		return n.kind
	case n.isObject():
		return jsonbLargeObject
	}
	return jsonbLargeArray
}

func (n *jsonNode) appendData(dst []byte, depth int) ([]byte, error) {
	if depth > maxJSONDepth {
		return dst, jsonbError("more than %d levels", maxJSONDepth)
	}
	if !n.open {
		size, err := storedSize(n.kind, n.data)
		if err != nil {
			return dst, err
		}
		return append(dst, n.data[:size]...), nil
	}
	const offset, keyEntry, valueEntry = 4, 6, 5
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(n.children)))
	dst = append(dst, make([]byte, offset+len(n.names)*keyEntry+len(n.children)*valueEntry)...)
	at := start + 2*offset
	for _, name := range n.names {
		binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-start))
		binary.LittleEndian.PutUint16(dst[at+offset:], uint16(len(name)))
		at += keyEntry
		dst = append(dst, name...)
	}
	for _, c := range n.children {
		dst[at] = c.storedKind()
		if inline := c.inline(); inline != nil {
			copy(dst[at+1:at+valueEntry], inline)
		} else {
			binary.LittleEndian.PutUint32(dst[at+1:], uint32(len(dst)-start))
			var err error
			if dst, err = c.appendData(dst, depth+1); err != nil {
				return dst, err
			}
		}
		at += valueEntry
	}
	binary.LittleEndian.PutUint32(dst[start+offset:], uint32(len(dst)-start))
	return dst, nil
}

// inline returns the bytes of a value that stands in its entry; nil for one that does not.
func (n *jsonNode) inline() []byte {
	switch n.kind {
	case jsonbLiteral:
		return n.data[:min(1, len(n.data))]
	case jsonbInt16, jsonbUint16:
		return n.data[:min(2, len(n.data))]
	case jsonbInt32, jsonbUint32:
		return n.data[:min(4, len(n.data))]
	}
	return nil
}

// storedSize returns how many of the bytes behind its type a value takes.
func storedSize(kind byte, data []byte) (int, error) {
	size := 0
	switch kind {
	case jsonbSmallObject, jsonbLargeObject, jsonbSmallArray, jsonbLargeArray:
		b, err := openContainer(kind, data)
		if err != nil {
			return 0, err
		}
		return len(b.data), nil
	case jsonbString, jsonbOpaque:
		if kind == jsonbOpaque {
			size = 1 // its SQL type
		}
		n, rest, err := jsonbLength(data[min(size, len(data)):])
		if err != nil {
			return 0, err
		}
		return len(data) - len(rest) + n, nil
	case jsonbLiteral:
		size = 1
	case jsonbInt16, jsonbUint16:
		size = 2
	case jsonbInt32, jsonbUint32:
		size = 4
	case jsonbInt64, jsonbUint64, jsonbDouble:
		size = 8
	default:
		return 0, jsonbError("a value of type 0x%x", kind)
	}
	if size > len(data) {
		return 0, jsonbError("a value of type 0x%x in %d bytes", kind, len(data))
	}
	return size, nil
}
