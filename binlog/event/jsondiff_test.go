package event

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// diffPaths are those that random changes of documents go to.
var diffPaths = []string{"$.a", "$.b", `$."two words"`, `$."qu\"o\\te"`, "$.a.b", "$.a.c", "$.a[0]", "$.a[1]", "$.l", "$.l[0]", "$.l[2]", "$.l[9]", "$.l[last]", "$.l[last-1]", "$.l[1].x", `$."ä€𝄞"`, "$.l[0][1]"}

// randomDiff is an expression that changes a document by functions that log diffs.
func randomDiff(r *rand.Rand, d *documents) string {
	quote := func(p string) string { return "'" + strings.ReplaceAll(p, `\`, `\\`) + "'" }
	expression := "j"
	for range 1 + r.IntN(3) {
		path := quote(diffPaths[r.IntN(len(diffPaths))])
		value := pick(r, "1", "-70000", "1e300", "NULL", "TRUE", "'text'", "REPEAT('long ',60)", "CAST('[]' AS JSON)", "CAST('{\"x\": [1,{}]}' AS JSON)", d.expression(r, 2))
		switch r.IntN(4) {
		case 0:
			expression = fmt.Sprintf("JSON_REMOVE(%s,%s)", expression, path)
		case 1:
			expression = fmt.Sprintf("JSON_REPLACE(%s,%s,%s)", expression, path, value)
		default:
			expression = fmt.Sprintf("JSON_SET(%s,%s,%s)", expression, path, value)
		}
	}
	return expression
}

// TestJSONDiffsAgainstServer carries random diffs out and compares with the document that the server
// has made: byte by byte as text, from the before image, and by the expression that a target gets.
func TestJSONDiffsAgainstServer(t *testing.T) {
	s := mysqltest.Source(t)
	c := newSession(t, s)
	r := newRand(t)
	c.exec(t, "CREATE DATABASE j", "CREATE TABLE j.t (id int PRIMARY KEY, j json, k json)", "SET binlog_row_value_options=PARTIAL_JSON")
	first := beginLog(t, s)
	d := documents{decimals: true}
	filler := strings.Repeat("filler ", 20) // a diff is logged only where it is shorter
	const rows, changes = 12, 25
	var want []string
	for i := range rows {
		c.exec(t, fmt.Sprintf(`INSERT INTO j.t VALUES (%d,JSON_OBJECT('a',%s,'b',1,'l',JSON_ARRAY(%s,2,JSON_OBJECT('x',1)),'two words',2,'fill','%s'),'{"k": [1,2]}')`,
			i, pick(r, "JSON_OBJECT('b',1)", "JSON_ARRAY(1,2)", "5"), d.expression(r, 1), filler))
		for range changes {
			c.exec(t, fmt.Sprintf("UPDATE j.t SET j=%s, k=JSON_SET(k,'$.k[1]',%d) WHERE id=%d", randomDiff(r, &d), r.IntN(4), i))
			want = append(want, c.value(t, fmt.Sprintf("SELECT CONCAT(j,' ',k) FROM j.t WHERE id=%d", i)))
		}
	}
	diffs, at := 0, map[string]int{}
	for i, w := range want {
		at[fmt.Sprint(i/changes, " ", w)]++
	}
	seen := 0
	for _, e := range parseAll(t, logSince(t, s, first)) {
		rows, ok := e.(*Rows)
		if !ok || rows.Action != Update {
			continue
		}
		if err := rows.Each(func(before, after Image) error {
			resolved, err := Resolved(rows.Table, before, after)
			if err != nil {
				return err
			}
			if !resolved.Whole() {
				t.Errorf("a diff is left")
			}
			var texts [][]byte
			for i := 1; i < 3; i++ {
				text, err := AppendJSON(nil, resolved.Raw(i))
				if err != nil {
					return err
				}
				texts = append(texts, text)
				if !after.IsDiff(i) || after.IsEmptyDiff(i) {
					continue
				}
				diffs++
				expression, err := appendJSONLiteral(nil, before.Raw(i))
				if err != nil {
					return err
				}
				if expression, err = AppendJSONDiffs(nil, after.JSONDiffs(i), expression); err != nil {
					return err
				}
				// Decimals and times become doubles and strings on the way through text, in both.
				literal, err := appendJSONLiteral(nil, resolved.Raw(i))
				if err != nil {
					return err
				}
				if got := c.value(t, fmt.Sprintf("SELECT CAST(%s AS CHAR)=CAST(%s AS CHAR)", expression, literal)); got != "1" {
					t.Errorf("%s\nis not\n%s", c.value(t, "SELECT "+string(expression)), text)
				}
			}
			// Read again, the composed image is the same.
			var images ImageReader
			again, err := images.Read(rows.Table, resolved.Bytes())
			if err != nil || !bytes.Equal(again.Raw(1), resolved.Raw(1)) || !bytes.Equal(again.Raw(0), resolved.Raw(0)) {
				t.Errorf("read again: %v", err)
			}
			id := littleEndian(resolved.Raw(0))
			key := fmt.Sprint(id, " ", string(bytes.Join(texts, []byte(" "))))
			if at[key] == 0 {
				t.Errorf("row %d becomes %s, which it never was", id, texts)
			}
			seen++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if seen < rows*changes/2 || diffs < seen/2 {
		t.Errorf("%d updates, %d diffs: the test proves little", seen, diffs)
	}
}

// TestJSONDiffsThatDoNotFit: what a replica would refuse is an error.
func TestJSONDiffsThatDoNotFit(t *testing.T) {
	// {"a": [1]}, as the server stores it in small containers.
	array := []byte{1, 0, 7, 0, jsonbInt16, 1, 0}
	document := append([]byte{jsonbSmallObject, 1, 0, 19, 0, 11, 0, 1, 0, jsonbSmallArray, 12, 0, 'a'}, array...)
	diff := func(op byte, path string, value ...byte) []byte {
		d := append([]byte{op, byte(len(path))}, path...)
		if op != byte(JSONRemove) {
			d = append(append(d, byte(len(value))), value...)
		}
		return d
	}
	two := []byte{jsonbInt16, 2, 0}
	for _, c := range []struct {
		diffs []byte
		want  string // empty: refused
	}{
		{nil, `{"a": [1]}`},
		{diff(0, "$.a[0]", two...), `{"a": [2]}`},
		{diff(0, "$.a[0][0]", two...), `{"a": [2]}`},
		{diff(1, "$.a[0]", two...), `{"a": [2, 1]}`},
		{diff(1, "$.a[7]", two...), `{"a": [1, 2]}`},
		{diff(1, "$.b", two...), `{"a": [1], "b": 2}`},
		{append(diff(2, "$.a[last]"), diff(1, "$.a[0]", two...)...), `{"a": [2]}`},
		{diff(2, "$.a"), `{}`},
		{diff(0, "$.a[1]", two...), ""},
		{diff(0, "$.b", two...), ""},
		{diff(1, "$.a", two...), ""},
		{diff(1, "$.a.x", two...), ""},
		{diff(2, "$.a[1]"), ""},
		{diff(0, "$", two...), ""},
		{diff(0, "a", two...), ""},
		{diff(0, "$.a[x]", two...), ""},
		{diff(0, "$.a"), ""},
		{diff(3, "$.a", two...), ""},
		{[]byte{0, 5, '$'}, ""},
	} {
		got, err := applyDiffs(document, c.diffs)
		if c.want == "" {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%q: %v", c.diffs, err)
			}
			continue
		}
		text, textErr := AppendJSON(nil, got)
		if err != nil || textErr != nil || string(text) != c.want {
			t.Errorf("%q: %s, %v, %v; want %s", c.diffs, text, err, textErr, c.want)
		}
	}
}
