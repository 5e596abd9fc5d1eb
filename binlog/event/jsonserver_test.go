package event

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestAppendJSONAgainstServer prints thousands of random documents and compares the text, byte for
// byte, with what the server prints.
func TestAppendJSONAgainstServer(t *testing.T) {
	s := mysqltest.Source(t)
	c := newSession(t, s)
	r := newRand(t)
	c.exec(t, "CREATE DATABASE j", "CREATE TABLE j.t (id int PRIMARY KEY AUTO_INCREMENT, j json)")
	first := beginLog(t, s)
	d := documents{decimals: true}
	const batches, perBatch = 60, 100
	for range batches {
		values := make([]string, perBatch)
		for i := range values {
			values[i] = "(" + d.expression(r, 0) + ")"
		}
		c.exec(t, "INSERT INTO j.t(j) VALUES "+strings.Join(values, ","))
	}
	// Doubles of all sizes, one document for many.
	for range 20 {
		numbers := make([]string, 500)
		for i := range numbers {
			numbers[i] = pick(r, randomFloat64(r), randomFloat64(r), fmt.Sprintf("%se%d", randomDecimal(r, 18, 9), r.IntN(60)-30), fmt.Sprintf("-%se%d", digits(r, 1+r.IntN(17)), r.IntN(50)-25))
		}
		c.exec(t, "INSERT INTO j.t(j) VALUES (JSON_ARRAY("+strings.Join(numbers, ",")+"))")
	}
	// Nesting at its limit, and a document that is no document: what INSERT IGNORE and NOT NULL leave.
	c.exec(t, "INSERT INTO j.t(j) VALUES ('"+strings.Repeat("[", 100)+strings.Repeat("]", 100)+"')",
		"INSERT INTO j.t(j) VALUES ('"+strings.Repeat(`{"a":`, 99)+"1.5"+strings.Repeat("}", 99)+"')",
		"ALTER TABLE j.t MODIFY j json NOT NULL",
		"INSERT IGNORE INTO j.t(id) VALUES (1000000)")
	// Text is what a restore writes: doubles must come back from it.
	if n := c.value(t, "SELECT CONCAT(COUNT(*)>=20, ' and ', SUM(CAST(CAST(CAST(j AS CHAR) AS JSON) AS CHAR) <> CAST(j AS CHAR))) FROM j.t WHERE id > 6000 AND JSON_LENGTH(j) = 500"); n != "1 and 0" {
		t.Errorf("enough documents of doubles, and how many change on the way through text: %s", n)
	}
	raws := logSince(t, s, first)
	stored := c.rows(t, "SELECT j FROM j.t ORDER BY id")
	i := 0
	for _, e := range parseAll(t, raws) {
		rows, ok := e.(*Rows)
		if !ok {
			continue
		}
		if err := rows.Each(func(_, after Image) error {
			text, err := AppendJSON(nil, after.Raw(1))
			if err != nil {
				return fmt.Errorf("%.2000q: %w", stored[i][0], err)
			}
			if !bytes.Equal(text, stored[i][0]) {
				t.Errorf("document %d is %.2000q, the server prints %.2000q", i, text, stored[i][0])
			}
			i++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if i != len(stored) || i < 6000 {
		t.Errorf("%d documents in the log, %d in the table", i, len(stored))
	}
}
