package server_test

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// target is a server to restore into with a connection that writes.
func target(t *testing.T) (*mysqltest.Server, *server.RawConn) {
	t.Helper()
	s := mysqltest.Target(t)
	u, err := s.CreateRestoreUser(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, s, "CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY, b LONGBLOB)")
	return s, rawConn(t, open(t, address(t, s, u, ""), server.Target))
}

func TestExecCountsTheRowsOfEachStatement(t *testing.T) {
	_, c := target(t)
	counts, err := c.Exec(t.Context(), strings.NewReader("INSERT INTO a.t VALUES (1,'a'),(2,'b'),(3,'c'); UPDATE a.t SET b='a' WHERE id=1; DELETE FROM a.t WHERE id>1; DELETE FROM a.t WHERE id=9"))
	// An UPDATE that changes nothing found its row.
	if err != nil || !slices.Equal(counts, []int64{3, 1, 2, 0}) {
		t.Errorf("%v, %v", counts, err)
	}
	_, err = c.Exec(t.Context(), strings.NewReader("INSERT INTO a.t VALUES (5,'e'); INSERT INTO a.t VALUES (1,'x'); INSERT INTO a.t VALUES (6,'f')"))
	if !mysqltest.IsError(err, 1062) || c.Broken() {
		t.Errorf("a duplicate gives %v", err)
	}
	rows, err := c.Rows(t.Context(), "SELECT id FROM a.t ORDER BY id")
	if err != nil || len(rows) != 2 || rows[1][0] != "5" {
		t.Errorf("the table holds %v, %v", rows, err)
	}
}

// pieces is a text in pieces; it may say another length than it has.
type pieces struct {
	list   [][]byte
	length int
}

func (p pieces) Len() int { return p.length }

func (p pieces) WriteTo(w io.Writer) (n int64, err error) {
	for _, b := range p.list {
		m, err := w.Write(b)
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func text(list ...[]byte) pieces {
	p := pieces{list: list}
	for _, b := range list {
		p.length += len(b)
	}
	return p
}

// Statements of 16 MiB and more go out in several packets, the last of which may be empty.
func TestExecOfLongStatements(t *testing.T) {
	_, c := target(t)
	const fragment = 1<<24 - 1
	head, tail := []byte("REPLACE INTO a.t VALUES (1, '"), []byte("')")
	fixed := 1 + len(head) + len(tail) // with the command's code
	for _, size := range []int{0, 64<<10 - fixed - 4, 64<<10 - fixed, fragment - fixed - 1, fragment - fixed, fragment - fixed + 1, 2*fragment - fixed, 40 << 20} {
		body := bytes.Repeat([]byte("z"), size)
		if _, err := c.Exec(t.Context(), text(head, body[:size/3], body[size/3:], tail)); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		rows, err := c.Rows(t.Context(), "SELECT LENGTH(b), LENGTH(REPLACE(b, 'z', '')) FROM a.t")
		if err != nil || len(rows) != 1 || rows[0][0] != strconv.Itoa(size) || rows[0][1] != "0" {
			t.Errorf("%d bytes arrive as %v, %v", size, rows, err)
		}
	}
}

func TestExecGivesUpOnATextOfAnotherLength(t *testing.T) {
	s := mysqltest.Target(t)
	for _, length := range []int{7, 9} {
		c := rawConn(t, open(t, address(t, s, mysqltest.Root, ""), server.Target))
		p := text([]byte("DO 1 + 1"))
		p.length = length
		if _, err := c.Exec(t.Context(), p); err == nil || !c.Broken() {
			t.Errorf("a text of 8 bytes that says %d: %v", length, err)
		}
	}
	c := rawConn(t, open(t, address(t, s, mysqltest.Root, ""), server.Target))
	if _, err := c.Exec(t.Context(), strings.NewReader("SELECT 1")); err == nil || !c.Broken() {
		t.Errorf("a statement with rows: %v", err)
	}
}
