package source_test

import (
	"context"
	"log/slog"
	"net"
	"strconv"
	"testing"

	"github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"
	"github.com/google/uuid"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// consumer is told what a stream passes; *source.Resolver is one.
type consumer interface {
	Entry(start binlog.Position, gtid binlog.GTID)
	Passed(pos binlog.Position)
	Event(raw []byte)
}

// firstFile returns the start of the file that the server writes now.
func firstFile(t testing.TB, s *mysqltest.Server) binlog.Position {
	t.Helper()
	statement, columns := statusStatement, 5
	if s.Install().Kind == mysqltest.MariaDB1011 {
		statement, columns = "SHOW MASTER STATUS", 4
	}
	row := make([]any, columns)
	for i := range row {
		row[i] = new(string)
	}
	if err := s.Root().QueryRowContext(t.Context(), statement).Scan(row...); err != nil {
		t.Fatal(err)
	}
	return binlog.Position{Timeline: timeline, File: *row[0].(*string), Pos: binlog.FirstOffset}
}

// feed streams the server's log from start into a consumer until the test ends.
func feed(t *testing.T, s *mysqltest.Server, start binlog.Position, to consumer) {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	flavor := mysql.MySQLFlavor
	if s.Install().Kind == mysqltest.MariaDB1011 {
		flavor = mysql.MariaDBFlavor
	}
	syncer := replication.NewBinlogSyncer(replication.BinlogSyncerConfig{
		ServerID: 1<<31 + uint32(number), Flavor: flavor, Host: host, Port: uint16(number), User: mysqltest.Root.Name,
		Logger: slog.New(slog.DiscardHandler),
	})
	stream, err := syncer.StartSync(mysql.Position{Name: start.File, Pos: uint32(start.Pos)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	f := feeder{file: start.File, to: to}
	go func() {
		defer close(done)
		for {
			e, err := stream.GetEvent(ctx)
			if err != nil {
				if ctx.Err() == nil {
					t.Errorf("stream: %v", err)
				}
				return
			}
			f.add(e)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		syncer.Close()
	})
}

// feeder finds the boundaries of entries in a stream of single transactions and DDL.
type feeder struct {
	file  string
	to    consumer
	begun bool // inside BEGIN .. XID
	group bool // inside what a GTID of MariaDB begins and an XID ends
}

func (f *feeder) add(e *replication.BinlogEvent) {
	if rotate, is := e.Event.(*replication.RotateEvent); is {
		f.file = string(rotate.NextLogName)
		return
	}
	if e.Header.LogPos == 0 {
		return // made up for this stream, not in the file
	}
	at := func(pos uint32) binlog.Position {
		return binlog.Position{Timeline: timeline, File: f.file, Pos: uint64(pos)}
	}
	switch body := e.Event.(type) {
	case *replication.GTIDEvent:
		var gtid binlog.GTID
		if e.Header.EventType == replication.GTID_EVENT {
			gtid = binlog.GTID{SID: uuid.UUID(body.SID), GNO: body.GNO}
		}
		f.begun = true
		f.to.Entry(at(e.Header.LogPos-e.Header.EventSize), gtid)
	case *replication.MariadbGTIDEvent:
		f.begun, f.group = true, !body.IsStandalone()
		f.to.Entry(at(e.Header.LogPos-e.Header.EventSize), binlog.GTID{})
	case *replication.XIDEvent:
		f.begun, f.group = false, false
	case *replication.QueryEvent:
		f.begun = f.group || string(body.Query) == "BEGIN"
	default:
		f.to.Event(e.RawData)
	}
	if !f.begun {
		f.to.Passed(at(e.Header.LogPos))
	}
}
