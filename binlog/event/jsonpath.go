package event

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// jsonLeg is one step of a path: a member of an object, or a cell of an array.
type jsonLeg struct {
	member  bool
	name    string
	index   int
	fromEnd bool // the cell is so many in front of the last one
}

// parseJSONPath reads a path as the server prints it in diffs: $, then .name, ."any name" and [n],
// [last], [last-n]. It has at least one leg: a whole document is logged as such.
func parseJSONPath(path []byte) ([]jsonLeg, error) {
	if len(path) == 0 || path[0] != '$' {
		return nil, jsonbError("path %q", path)
	}
	var legs []jsonLeg
	for rest := bytes.TrimLeft(path[1:], " "); len(rest) > 0; rest = bytes.TrimLeft(rest, " ") {
		var leg jsonLeg
		var n int
		switch rest[0] {
		case '.':
			leg, n = memberLeg(rest[1:])
		case '[':
			leg, n = cellLeg(rest[1:])
		}
		if n == 0 {
			return nil, jsonbError("path %q", path)
		}
		legs = append(legs, leg)
		rest = rest[1+n:]
	}
	if len(legs) == 0 {
		return nil, jsonbError("path %q", path)
	}
	return legs, nil
}

// memberLeg reads what follows a dot, and returns how long it is; 0 for what is no member's name.
func memberLeg(text []byte) (jsonLeg, int) {
	if len(text) == 0 || text[0] != '"' {
		n := bytes.IndexAny(text, ".[ ")
		if n < 0 {
			n = len(text)
		}
		return jsonLeg{member: true, name: string(text[:n])}, n
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			var name string
			if json.Unmarshal(text[:i+1], &name) != nil {
				return jsonLeg{}, 0
			}
			return jsonLeg{member: true, name: name}, i + 1
		}
	}
	return jsonLeg{}, 0
}

// cellLeg reads what follows an opening bracket, and returns how long it is with the closing one;
// 0 for what is no cell.
func cellLeg(text []byte) (jsonLeg, int) {
	end := bytes.IndexByte(text, ']')
	if end < 0 {
		return jsonLeg{}, 0
	}
	cell, fromEnd := strings.CutPrefix(strings.ReplaceAll(string(text[:end]), " ", ""), "last")
	if fromEnd {
		if cell == "" {
			cell = "-0"
		}
		var minus bool
		if cell, minus = strings.CutPrefix(cell, "-"); !minus {
			return jsonLeg{}, 0
		}
	}
	index, err := strconv.ParseUint(cell, 10, 32)
	if err != nil {
		return jsonLeg{}, 0
	}
	return jsonLeg{index: int(index), fromEnd: fromEnd}, end + 1
}

// cell returns the place of the leg's cell among n; it may lie outside.
func (l jsonLeg) cell(n int) int {
	if l.fromEnd {
		return n - 1 - l.index
	}
	return l.index
}
