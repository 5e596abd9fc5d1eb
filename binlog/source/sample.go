package source

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
)

// sampler takes the two samples of a tick on a connection of its own.
type sampler struct {
	srv      *server.Server
	timeline binlog.Timeline
	mark     LowMark
	conn     *server.RawConn

	// The last set is kept: on an idle server it need not be read again from its text.
	gtidText string
	gtids    binlog.GTIDSet

	// log_status is read where it may be, every logStatusEvery. Its position stays a safe low
	// mark for all later ticks.
	logStatus     bool
	logStatusRead time.Time
	exact         binlog.Position

	// The first checkpoint of each file is asked for once (MarkCheckpoint); the stream's come by the resolver.
	resolver     *Resolver
	checkpointIn string
	checkpoint   binlog.Position
}

// ProvedGTIDLow tells whether gtid_executed is a low watermark on a server: the hammer test of
// facts 1.3 and 1.3b has passed on its version. On 5.6 it runs ahead of visibility.
func ProvedGTIDLow(f server.Facts) bool {
	return f.Flavor == server.FlavorMySQL && f.GTIDs() && f.Major == 9
}

func newSampler(ctx context.Context, srv *server.Server, config ClockConfig) (*sampler, error) {
	f := srv.Facts()
	s := &sampler{srv: srv, timeline: config.Timeline, mark: MarkFile, resolver: config.Resolver}
	switch {
	case f.Flavor == server.FlavorMariaDB:
		s.mark = MarkCheckpoint
		return s, nil
	case ProvedGTIDLow(f):
		s.mark = MarkGTID
		return s, nil
	}
	grants, err := srv.Grants(ctx)
	if err != nil {
		return nil, err
	}
	s.logStatus = canReadLogStatus(f, grants)
	return s, nil
}

func (s *sampler) close() error {
	if s.conn == nil {
		return nil
	}
	conn := s.conn
	s.conn = nil
	return conn.Close()
}

// sample takes one tick, without its number.
func (s *sampler) sample(ctx context.Context) (t Tick, err error) {
	ctx, cancel := context.WithTimeout(ctx, tickTimeout)
	defer cancel()
	if s.conn == nil {
		if s.conn, err = s.srv.RawConn(ctx); err != nil {
			return Tick{}, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.logStatus && time.Since(s.logStatusRead) >= logStatusEvery {
		if err := s.readLogStatus(ctx); err != nil {
			return Tick{}, err
		}
	}
	checkpoint := s.resolver.checkpointed()
	t = Tick{Mark: s.mark, Asked: time.Now(), low: newLow()}
	results, err := collect(ctx, s.conn, s.statements())
	t.Answered = time.Now()
	if err != nil {
		return Tick{}, err
	}
	if err := s.fill(&t, results); err != nil || s.mark != MarkCheckpoint {
		return t, err
	}
	return t, s.fillCheckpoint(ctx, &t, checkpoint)
}

// fillCheckpoint makes the low sample, the file that was current, the start of what is not proved to be
// visible: a checkpoint at that file's head is as old as the file, and so older than the sample.
func (s *sampler) fillCheckpoint(ctx context.Context, t *Tick, streamed binlog.Position) error {
	if current := t.LowPosition.File; current != s.checkpointIn {
		file, err := CheckpointFile(ctx, s.conn, current)
		if err != nil {
			return err
		}
		s.checkpointIn, s.checkpoint = current, startOf(s.timeline, file)
	}
	t.LowPosition = binlog.Later(s.checkpoint, streamed)
	// For the tests' mutation table: the start of the current file as low watermark, and file:pos.
	failpoint.Inject("w1-off", func() { t.LowPosition = t.High })
	return nil
}

func (s *sampler) readLogStatus(ctx context.Context) error {
	status, err := ReadLogStatus(ctx, s.conn, s.timeline)
	if err != nil {
		return err
	}
	if status.ServerUUID != s.srv.Facts().ServerUUID {
		return otherServer(s.srv.Facts().ServerUUID, status.ServerUUID)
	}
	s.exact, s.logStatusRead = status.Position, time.Now()
	return nil
}

// statements are one tick: low sample, who answered and when it is there, high sample, who
// answered. They go as one transaction, so that a proxy that splits reads from writes sends all
// of it to one server (W6).
func (s *sampler) statements() string {
	status := s.srv.Facts().BinlogStatus()
	identity := "SELECT " + s.srv.Facts().Identity()
	who := identity + ", UTC_TIMESTAMP(6)"
	if s.mark == MarkGTID {
		return "START TRANSACTION; " + who + ", @@global.gtid_mode, @@global.gtid_executed; " + status + "; " + identity + "; COMMIT"
	}
	return "START TRANSACTION; " + status + "; " + who + "; " + status + "; " + identity + "; COMMIT"
}

// fill reads the results, those of START TRANSACTION and COMMIT left out.
func (s *sampler) fill(t *Tick, results [][][]string) error {
	want := s.srv.Facts().ServerUUID
	if s.mark != MarkGTID {
		if len(results) == 0 {
			return errNoAnswer
		}
		// W5: the low has a sample of its own, although the high one shows the same file mostly.
		low, err := s.position(results[0])
		if err != nil {
			return err
		}
		low.Pos = binlog.FirstOffset
		t.LowPosition = binlog.Later(low, s.exact)
		results = results[1:]
	}
	if len(results) != 3 || len(results[0]) != 1 || len(results[2]) != 1 {
		return errNoAnswer
	}
	who := results[0][0]
	for _, uuid := range []string{who[0], results[2][0][0]} {
		if uuid != want {
			return otherServer(want, uuid)
		}
	}
	t.ServerUUID = want
	at, err := time.Parse("2006-01-02 15:04:05.999999", who[1])
	if err != nil {
		return fmt.Errorf("read the source's time: %w", err)
	}
	t.SourceTime = binlog.TimeOf(at)
	if s.mark == MarkGTID {
		if who[2] != "ON" {
			return fault.New(fault.CodeFailed, fault.KindSource, "set gtid_mode=ON again, or start anew with the mode that is set now",
				"gtid_mode of the source has become %s while gtid_executed served as low watermark", who[2])
		}
		if t.LowGTID, err = s.set(who[3]); err != nil {
			return err
		}
	}
	if t.High, err = s.position(results[1]); err != nil {
		return err
	}
	// For the tests' mutation table: file:pos as low watermark.
	failpoint.Inject("w1-off", func() { t.Mark, t.LowPosition = MarkFile, t.High })
	return nil
}

var errNoAnswer = errors.New("the source did not answer all statements of a tick")

func (s *sampler) set(text string) (binlog.GTIDSet, error) {
	if text != s.gtidText {
		set, err := binlog.ParseGTIDSet(text)
		if err != nil {
			return binlog.GTIDSet{}, fmt.Errorf("read gtid_executed: %w", err)
		}
		s.gtidText, s.gtids = text, set
	}
	return s.gtids, nil
}

// position reads the answer of SHOW BINARY LOG STATUS.
func (s *sampler) position(rows [][]string) (binlog.Position, error) {
	return binlogPosition(rows, s.timeline)
}

func binlogPosition(rows [][]string, timeline binlog.Timeline) (binlog.Position, error) {
	if len(rows) != 1 || len(rows[0]) < 2 {
		return binlog.Position{}, fault.New(fault.CodeFailed, fault.KindSource,
			"start the source with log_bin=ON", "the source writes no binlog")
	}
	pos, err := strconv.ParseUint(rows[0][1], 10, 64)
	if err != nil {
		return binlog.Position{}, fmt.Errorf("read the source's position: %w", err)
	}
	return binlog.Position{Timeline: timeline, File: rows[0][0], Pos: pos}, nil
}

// collect runs statements as one batch and returns the results that have rows, as text.
func collect(ctx context.Context, conn *server.RawConn, statements string) ([][][]string, error) {
	var results [][][]string
	err := conn.Batch(ctx, statements, func(_ int, fields []server.Field) (func([]byte) error, error) {
		if fields == nil {
			return nil, nil
		}
		results = append(results, nil)
		at := len(results) - 1
		return func(packet []byte) error {
			row, err := server.TextRow(packet)
			results[at] = append(results[at], row)
			return err
		}, nil
	})
	return results, err
}

func otherServer(want, got string) error {
	return fault.New(fault.CodeFailed, fault.KindSource,
		"give the address of one server: this one leads to several, or the server was replaced",
		"the source answered as server %s before and as %s now (W6)", want, got)
}
