package source_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

func startClock(t *testing.T, srv *server.Server) *source.Clock {
	t.Helper()
	c, err := source.StartClock(t.Context(), srv, source.ClockConfig{Timeline: timeline, Resolver: source.NewResolver(binlog.Position{Timeline: timeline, File: "binlog.000001", Pos: 4})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func before(t *testing.T, c *source.Clock) source.Tick {
	t.Helper()
	tick, err := c.Before(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tick
}

func after(t *testing.T, c *source.Clock, received time.Time) source.Tick {
	t.Helper()
	tick, err := c.After(t.Context(), received)
	if err != nil {
		t.Fatal(err)
	}
	return tick
}

func wantFault(t *testing.T, err error, kind fault.Kind, text string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("got %v instead of a fault", err)
	}
	if f.Code != fault.CodeFailed || f.Kind != kind || f.Hint == "" || !strings.Contains(f.Error()+f.Hint, text) {
		t.Fatalf("got code %d, kind %s, hint %q of error %q", f.Code, f.Kind, f.Hint, f)
	}
}

func TestClockTicksAroundReads(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY)")
	srv := asBackupUser(t, s)
	c := startClock(t, srv)
	for n := range 5 {
		t0 := before(t, c)
		sent := time.Now()
		if !t0.Answered.Before(sent) || !t0.Asked.Before(t0.Answered) || time.Since(t0.Answered) > 5*time.Second {
			t.Fatalf("t0 was asked for at %v and answered at %v, the read is sent at %v", t0.Asked, t0.Answered, sent)
		}
		_, err := s.Root().ExecContext(t.Context(), "INSERT INTO a.t VALUES (?)", n)
		if err != nil {
			t.Fatal(err)
		}
		received := time.Now()
		t1 := after(t, c, received)
		if !t1.Asked.After(received) || t1.N <= t0.N {
			t.Fatalf("t1 (tick %d) was asked for at %v, the read had ended at %v (t0 is tick %d)", t1.N, t1.Asked, received, t0.N)
		}
		if !t0.High.Before(t1.High) || !t1.LowGTID.ContainsSet(t0.LowGTID) || t1.LowGTID.Equal(t0.LowGTID) {
			t.Fatalf("around a commit: %s, then %s", t0, t1)
		}
		if again := after(t, c, received); again.N != t1.N {
			t.Fatalf("the first tick after the same read is %d, then %d", t1.N, again.N)
		}
		if off := t1.SourceTime.Std().Sub(t1.Asked); off < -time.Second || off > time.Second {
			t.Fatalf("the source's time is %v off on the same machine", off)
		}
	}
	if first := c.First(); first.N != 1 || first.ServerUUID != srv.Facts().ServerUUID {
		t.Fatalf("first tick: %s", first)
	}
}

func TestClockGoesOnAfterARestartOfTheSource(t *testing.T) {
	s := mysqltest.Source(t)
	c := startClock(t, asBackupUser(t, s))
	t0 := before(t, c)
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	t1 := after(t, c, time.Now())
	if binlog.CompareFiles(t0.High.File, t1.High.File) >= 0 || t1.ServerUUID != t0.ServerUUID {
		t.Fatalf("before the restart %s, behind it %s", t0, t1)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	t2 := after(t, c, time.Now())
	if binlog.CompareFiles(t1.High.File, t2.High.File) >= 0 || c.Err() != nil {
		t.Fatalf("before the crash %s, behind it %s (%v)", t1, t2, c.Err())
	}
}

func TestClockConnectsAgain(t *testing.T) {
	s := mysqltest.Source(t)
	u, err := s.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	proxy := newRelay(t, to(s))
	c := startClock(t, openAddress(t, proxy.address(t, u)))
	for range 3 {
		proxy.move(to(s)) // cuts what is open
		after(t, c, time.Now())
	}
	mysqltest.Exec(t, s, "DROP USER "+u.Name)
	proxy.move(to(s))
	_, err = c.After(t.Context(), time.Now())
	wantFault(t, err, fault.KindPassword, "password")
}

func TestReadsWaitWhileTheClockStandsStill(t *testing.T) {
	s := mysqltest.Source(t)
	c := startClock(t, asBackupUser(t, s))
	if err := s.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	frozen := time.Now()
	short := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := c.Before(ctx)
		return err
	}
	mysqltest.Eventually(t, func() bool { return errors.Is(short(), context.DeadlineExceeded) }, "a read to wait for the clock")
	if still := time.Since(frozen); still < 4*time.Second || still > 12*time.Second {
		t.Errorf("reads wait after %v without a tick instead of 5 s", still)
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	before(t, c)
	if err := c.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestClockNeedsReplicationClient(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE USER poor IDENTIFIED BY 'p'", "GRANT SELECT ON *.* TO poor")
	a, err := server.ParseURL(s.URL(mysqltest.User{Name: "poor"}))
	if err != nil {
		t.Fatal(err)
	}
	a.Password = server.NewSecret("p")
	_, err = source.StartClock(t.Context(), openAddress(t, a), source.ClockConfig{Timeline: timeline})
	wantFault(t, err, fault.KindGrant, "GRANT")
}

func TestClockEndsWhenGTIDsAreSwitchedOff(t *testing.T) {
	s := mysqltest.Source(t)
	c := startClock(t, asBackupUser(t, s))
	mysqltest.Exec(t, s, "SET GLOBAL gtid_mode=ON_PERMISSIVE")
	_, err := c.After(t.Context(), time.Now().Add(time.Hour)) // no tick is that late: only the end comes
	wantFault(t, err, fault.KindSource, "ON_PERMISSIVE")
	if _, err := c.Before(t.Context()); err == nil {
		t.Fatal("a clock that ended gives a tick")
	}
}

// within bounds a wait for a clock that has to end, however slow the machine is.
func within(t *testing.T) context.Context {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(stop)
	return ctx
}

func TestW5_ClockEndsWhenTheLogIsAnother(t *testing.T) {
	for _, gtid := range []bool{true, false} {
		t.Run(gtidName(gtid), func(t *testing.T) {
			s := mysqltest.Take(t, mysqltest.Options{GTID: gtid})
			// The current file keeps its number.
			mysqltest.Exec(t, s, "RESET BINARY LOGS AND GTIDS", "CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY)")
			c := startClock(t, asBackupUser(t, s))
			mysqltest.Exec(t, s, "RESET BINARY LOGS AND GTIDS")
			if err := c.Watch(within(t)); err == nil {
				t.Fatal("the clock goes on")
			}
			wantFault(t, c.Err(), fault.KindSource, "--new-timeline")
		})
	}
}

// TestW5_ClockEndsWhenGTIDsAreLost: the file's number grows, so positions alone do not tell.
func TestW5_ClockEndsWhenGTIDsAreLost(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{GTID: true})
	mysqltest.Exec(t, s, "RESET BINARY LOGS AND GTIDS", "CREATE DATABASE a", "CREATE DATABASE b")
	c := startClock(t, asBackupUser(t, s))
	mysqltest.Exec(t, s, "RESET BINARY LOGS AND GTIDS TO 7")
	if err := c.Watch(within(t)); err == nil {
		t.Fatal("the clock goes on")
	}
	wantFault(t, c.Err(), fault.KindSource, "gtid_executed")
}

func TestClockNeedsABinlog(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{ExtraArgs: []string{"--skip-log-bin"}})
	_, err := source.StartClock(t.Context(), asBackupUser(t, s), source.ClockConfig{Timeline: timeline})
	wantFault(t, err, fault.KindSource, "log_bin")
}

func TestW6_ClockRefusesAnotherServer(t *testing.T) {
	a, b := mysqltest.Source(t), mysqltest.Source(t)
	u, err := a.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := newRelay(t, to(a))
	srv := openAddress(t, name.address(t, u))
	c := startClock(t, srv)
	name.move(to(b))
	_, err = c.After(t.Context(), time.Now())
	wantFault(t, err, fault.KindSource, "W6")
	if _, err := srv.RawConn(t.Context()); err == nil {
		t.Fatal("a raw connection to another server was opened")
	} else {
		wantFault(t, err, fault.KindSource, "W6")
	}
	_, err = srv.Conn(t.Context())
	wantFault(t, err, fault.KindSource, "W6")
}

// W5: the two samples of a tick are two questions, low first; the high one is no source of the low.
func TestW5_LowAndHighHaveQuestionsOfTheirOwn(t *testing.T) {
	for _, c := range []struct {
		gtid bool
		want string
	}{
		{true, "START TRANSACTION | SELECT @@server_uuid, UTC_TIMESTAMP(6), @@global.gtid_mode, @@global.gtid_executed | SHOW BINARY LOG STATUS | SELECT @@server_uuid | COMMIT"},
		{false, "START TRANSACTION | SHOW BINARY LOG STATUS | SELECT @@server_uuid, UTC_TIMESTAMP(6) | SHOW BINARY LOG STATUS | SELECT @@server_uuid | COMMIT"},
	} {
		t.Run(gtidName(c.gtid), func(t *testing.T) {
			s := mysqltest.Take(t, mysqltest.Options{GTID: c.gtid})
			srv := asBackupUser(t, s)
			setGlobal(t, s, "log_output", "'TABLE'")
			setGlobal(t, s, "general_log", "1")
			clock := startClock(t, srv)
			after(t, clock, time.Now())
			clock.Close()
			got := strings.Join(statementsOf(t, s, mysqltest.BackupUser.Name), " | ")
			if !strings.Contains(got, c.want+" | "+c.want) {
				t.Fatalf("the clock asks\n%s\nwant twice\n%s", got, c.want)
			}
		})
	}
}

// statementsOf returns what an account has sent since the general log goes to its table.
func statementsOf(t *testing.T, s *mysqltest.Server, account string) []string {
	t.Helper()
	list, err := s.Root().QueryContext(t.Context(), `SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log
		WHERE command_type='Query' AND user_host LIKE ? ORDER BY event_time`, account+"%")
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	var statements []string
	for list.Next() {
		var statement string
		if err := list.Scan(&statement); err != nil {
			t.Fatal(err)
		}
		statements = append(statements, strings.TrimSuffix(strings.TrimSpace(statement), ";"))
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return statements
}

func TestLowWithoutGTIDs(t *testing.T) {
	for _, backupAdmin := range []bool{false, true} {
		t.Run(map[bool]string{true: "BACKUP_ADMIN", false: "least rights"}[backupAdmin], func(t *testing.T) {
			s := mysqltest.Take(t, mysqltest.Options{})
			var extra []string
			if backupAdmin {
				extra = []string{"BACKUP_ADMIN"}
			}
			c := startClock(t, asBackupUser(t, s, extra...))
			mysqltest.Exec(t, s, "CREATE DATABASE a")
			end := after(t, c, time.Now()).High
			var low binlog.Position
			mysqltest.EventuallyWithin(t, 10*time.Second, func() bool {
				tick := after(t, c, time.Now())
				low = tick.LowPosition
				return !backupAdmin || low == end
			}, "log_status to be read again")
			if !backupAdmin && low != (binlog.Position{Timeline: timeline, File: end.File, Pos: 4}) {
				t.Fatalf("low %s", low)
			}
			mysqltest.Exec(t, s, "FLUSH BINARY LOGS")
			tick := after(t, c, time.Now())
			if tick.LowPosition.File != tick.High.File || tick.LowPosition.File == end.File {
				t.Fatalf("behind a rotation: %s", tick)
			}
		})
	}
}
