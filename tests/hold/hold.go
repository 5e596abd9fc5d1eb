package hold

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/program"
)

// Report is what was measured.
type Report struct {
	Backups   int // back to back, until the ALTERs were done
	Rows      int64
	BytesRead int64 // by the smallest of the backups
	Seconds   float64
	ReadAgain int // tables, with repeats

	Statements   durations // of the backup user, by the server's slow log
	Transactions durations // likewise: how long a read view or a metadata lock was held
	Locking      []string  // its FLUSH and LOCK statements
	Logged       int       // its lines of the general log

	AltersAlone, Alters           durations
	ApplicationAlone, Application durations
}

// Run measures. An error means that nothing could be measured; broken bounds are told by
// Report.Verdict.
func Run(ctx context.Context, c Config) (r Report, err error) {
	install, err := mysqltest.Find(mysqltest.MySQL97)
	if err != nil {
		return r, err
	}
	s, err := install.Start(ctx, mysqltest.Options{
		Dir: c.Dir, GTID: true, Relaxed: true,
		// Filling 1 GB must not take longer than reading it.
		ExtraArgs: []string{"--innodb-buffer-pool-size=512M", "--innodb-redo-log-capacity=1G", "--innodb-doublewrite=OFF",
			"--log-output=FILE", "--slow-query-log-file=slow.log", "--general-log-file=general.log", "--log-slow-extra=ON"},
	})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Stop(context.WithoutCancel(ctx))) }()
	folder, err := os.MkdirTemp(c.Dir, "tripod-hold-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	m := &measurement{Config: c, server: s, folder: folder, report: &r}
	return r, m.all(ctx)
}

type measurement struct {
	Config
	server *mysqltest.Server
	folder string
	tables []string
	rows   int
	report *Report
}

func (m *measurement) say(format string, args ...any) error {
	_, err := fmt.Fprintf(m.Log, format+"\n", args...)
	return err
}

func (m *measurement) all(ctx context.Context) (err error) {
	began := time.Now()
	if m.tables, m.rows, err = fill(ctx, m.server, m.Bytes); err != nil {
		return fmt.Errorf("fill the source: %w", err)
	}
	if err := m.say("%.1f s: the source holds %d tables of %d rows", time.Since(began).Seconds(), len(m.tables), m.rows); err != nil {
		return err
	}
	user, err := m.server.CreateBackupUser(ctx)
	if err != nil {
		return err
	}
	// New connections log every statement.
	if err := m.server.Exec(ctx, "SET GLOBAL long_query_time = 0", "SET GLOBAL slow_query_log = ON", "SET GLOBAL general_log = ON"); err != nil {
		return err
	}
	if err := m.alone(ctx); err != nil {
		return fmt.Errorf("measure without a backup: %w", err)
	}
	if err := m.say("%.1f s: without a backup: ALTERs up to %s, statements of the application up to %s", time.Since(began).Seconds(), m.report.AltersAlone.longest, m.report.ApplicationAlone.longest); err != nil {
		return err
	}
	if err := m.beside(ctx, user); err != nil {
		return fmt.Errorf("measure beside a backup: %w", err)
	}
	if err := m.say("%.1f s: beside %d backups", time.Since(began).Seconds(), m.report.Backups); err != nil {
		return err
	}
	if err := m.server.Exec(ctx, "SET GLOBAL slow_query_log = OFF", "SET GLOBAL general_log = OFF"); err != nil {
		return err
	}
	return m.readLogs(user)
}

// with runs work beside the application.
func (m *measurement) with(ctx context.Context, application_ *durations, work func(context.Context) error) error {
	db := m.server.Connect(mysqltest.Root, "")
	defer db.Close()
	db.SetMaxOpenConns(m.Writers)
	writing, stop := context.WithCancel(ctx)
	defer stop()
	type ended struct {
		d   durations
		err error
	}
	done := make(chan ended, 1)
	go func() {
		d, err := application(writing, db, m.tables, m.rows, m.Writers)
		done <- ended{d, err}
	}()
	err := work(ctx)
	stop()
	e := <-done
	*application_ = e.d
	return errors.Join(err, e.err)
}

func (m *measurement) alone(ctx context.Context) error {
	return m.with(ctx, &m.report.ApplicationAlone, func(ctx context.Context) (err error) {
		m.report.AltersAlone, err = alters(ctx, m.server, m.tables, m.Alters)
		return err
	})
}

// beside runs backups back to back until the ALTERs are done: all of them have one beside them.
func (m *measurement) beside(ctx context.Context, user mysqltest.User) error {
	return m.with(ctx, &m.report.Application, func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		type ended struct {
			d   durations
			err error
		}
		done := make(chan ended, 1)
		var altering ended
		running := false
		var err error
		for over := false; !over && err == nil; {
			if !running {
				running = true
				go func() {
					err := m.awaitIntent(ctx)
					var d durations
					if err == nil {
						d, err = alters(ctx, m.server, m.tables, m.Alters)
					}
					done <- ended{d, err}
				}()
			}
			err = m.backup(ctx, user)
			select {
			case altering = <-done:
				over = true
			default:
			}
			if err != nil && !over {
				cancel()
				altering = <-done
			}
		}
		m.report.Alters = altering.d
		return errors.Join(err, altering.err)
	})
}

// awaitIntent returns when the first backup has begun to read.
func (m *measurement) awaitIntent(ctx context.Context) error {
	for {
		found, err := filepath.Glob(filepath.Join(m.folder, "store", instance, "backups", "*", "intent.json"))
		if err != nil || len(found) > 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

const instance = "hold"

func (m *measurement) backup(ctx context.Context, user mysqltest.User) error {
	tripod := program.Program{Binary: m.Binary, Env: []string{"HOME=" + m.folder, "TRIPOD_SOURCE_PASSWORD=" + user.Password}}
	var result struct {
		Seconds   float64
		Rows      int64
		BytesRead int64 `json:"bytes_read"`
		Tables    []struct {
			ReadAgain []any `json:"read_again"`
		}
	}
	if _, err := tripod.Must(ctx, &result, "backup", "--source", m.server.URL(user), "--store", "file://"+filepath.Join(m.folder, "store"), "--instance", instance,
		"--spool", filepath.Join(m.folder, "spool"), "--max-hold", m.MaxHold.String(), "--threads", fmt.Sprint(m.Threads), "--ddl-tries", fmt.Sprint(10*m.Alters), "--fresh"); err != nil {
		return err
	}
	r := m.report
	r.Backups++
	r.Seconds += result.Seconds
	if r.Backups == 1 || result.BytesRead < r.BytesRead {
		r.Rows, r.BytesRead = result.Rows, result.BytesRead
	}
	for _, t := range result.Tables {
		r.ReadAgain += len(t.ReadAgain)
	}
	return nil
}

// readLogs takes the backup user's statements out of the server's logs.
func (m *measurement) readLogs(user mysqltest.User) error {
	open := map[string]time.Time{} // thread -> start of its transaction
	err := readSlowLog(filepath.Join(m.server.DataDir(), "slow.log"), func(s statement) {
		if s.user != user.Name {
			return
		}
		m.report.Statements.add(s.took(), s.text)
		switch s.verb() {
		case "START", "BEGIN":
			open[s.thread] = s.start
		case "COMMIT", "ROLLBACK":
			if began, is := open[s.thread]; is {
				m.report.Transactions.add(s.end.Sub(began), "thread "+s.thread+" at "+began.Format(time.RFC3339Nano))
				delete(open, s.thread)
			}
		}
	})
	if err != nil {
		return err
	}
	general, err := os.Open(filepath.Join(m.server.DataDir(), "general.log"))
	if err != nil {
		return err
	}
	defer general.Close() //nolint:errcheck // only read
	m.report.Locking, m.report.Logged, err = lockStatements(general, user.Name)
	return err
}
