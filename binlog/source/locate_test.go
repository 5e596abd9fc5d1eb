package source_test

import (
	"iter"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-mysql-org/go-mysql/replication"
	"github.com/google/uuid"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

func mapsKeys[K comparable, V any](m map[K]V) iter.Seq[K] { return maps.Keys(m) }

// location is where a commit stands in the log.
type location struct {
	start, end binlog.Position
	gtid       binlog.GTID
	sequence   uint64 // of MariaDB's GTID
}

// locate reads the server's binlog files and returns where each id of a.h was committed: an XA
// transaction at its XA COMMIT.
func locate(t *testing.T, s *mysqltest.Server) map[int64]location {
	t.Helper()
	files, err := s.BinlogFiles()
	if err != nil {
		t.Fatal(err)
	}
	l := locator{found: map[int64]location{}, prepared: map[string][]int64{}}
	for _, path := range files {
		l.file = filepath.Base(path)
		parser := parserOf(s)
		if err := parser.ParseFile(path, 0, func(e *replication.BinlogEvent) error { return l.add(t, e) }); err != nil {
			t.Fatalf("read %s: %v", path, err)
		}
	}
	return l.found
}

// parserOf returns a parser for the server's files.
func parserOf(s *mysqltest.Server) *replication.BinlogParser {
	parser := replication.NewBinlogParser()
	if s.Install().Kind == mysqltest.MariaDB1011 {
		parser.SetFlavor("mariadb")
	}
	return parser
}

// locator reads the events of all files in order.
type locator struct {
	file     string
	current  location
	ids      []int64
	xid      string
	prepared map[string][]int64
	found    map[int64]location
}

func (l *locator) at(pos uint32) binlog.Position {
	return binlog.Position{Timeline: timeline, File: l.file, Pos: uint64(pos)}
}

func (l *locator) add(t *testing.T, e *replication.BinlogEvent) error {
	t.Helper()
	switch body := e.Event.(type) {
	case *replication.GTIDEvent:
		l.current = location{start: l.at(e.Header.LogPos - e.Header.EventSize)}
		if e.Header.EventType == replication.GTID_EVENT {
			l.current.gtid = binlog.GTID{SID: uuid.UUID(body.SID), GNO: body.GNO}
		}
		l.ids, l.xid = nil, ""
	case *replication.MariadbGTIDEvent:
		l.current = location{start: l.at(e.Header.LogPos - e.Header.EventSize), sequence: body.GTID.SequenceNumber}
		l.ids, l.xid = nil, ""
	case *replication.RowsEvent:
		for _, row := range body.Rows {
			if string(body.Table.Table) == "h" {
				l.ids = append(l.ids, row[0].(int64))
			}
		}
	case *replication.XIDEvent:
		l.commit(l.ids, e.Header.LogPos)
	case *replication.QueryEvent:
		text := string(body.Query)
		if text == "BEGIN" && l.current.start.IsZero() { // 5.6 without GTIDs
			l.current = location{start: l.at(e.Header.LogPos - e.Header.EventSize)}
			l.ids, l.xid = nil, ""
		}
		if text == "COMMIT" { // an XA transaction of 5.6
			l.commit(l.ids, e.Header.LogPos)
		}
		for _, begins := range []string{"XA START ", "XA END "} { // MariaDB logs the second alone
			if xid, is := strings.CutPrefix(text, begins); is {
				l.xid = xid
			}
		}
		if xid, is := strings.CutPrefix(text, "XA COMMIT "); is {
			l.commit(l.prepared[xid], e.Header.LogPos)
			delete(l.prepared, xid)
		}
	case *replication.GenericEvent:
		if e.Header.EventType == replication.XA_PREPARE_LOG_EVENT {
			l.prepared[l.xid] = l.ids
		}
	}
	return nil
}

func (l *locator) commit(ids []int64, end uint32) {
	l.current.end = l.at(end)
	for _, id := range ids {
		l.found[id] = l.current
	}
	l.current = location{}
}
