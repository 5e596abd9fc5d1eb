package replayspeed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/program"
)

// Config says how large the measurement is.
type Config struct {
	Binary       string // tripod
	Sysbench     string // the program
	Tables, Rows int
	Transactions int
	Threads      int    // of sysbench
	Memory       string // tripod's --memory
	Dir          string // where servers and store are kept; empty: the temporary folder
	Log          io.Writer
}

// Report is what was measured.
type Report struct {
	LogBytes     int64 // of the binlog that was replayed
	Transactions uint64
	RowsWritten  uint64
	Tripod       float64 // seconds of the replay alone
	Load         float64
	Peer         float64 // seconds of mysqlbinlog | mysql
	Peak         int64   // bytes that tripod had resident at most
}

// Ratio is how many times as long mysqlbinlog | mysql takes.
func (r Report) Ratio() float64 { return r.Peer / r.Tripod }

const instance = "bench"

// schema is the one that sysbench writes to unless told otherwise.
const schema = "sbtest"

// Run measures. An error means that nothing could be measured, or that a target is not equal to
// the source.
func Run(ctx context.Context, c Config) (r Report, err error) {
	folder, err := os.MkdirTemp(c.Dir, "tripod-replayspeed-")
	if err != nil {
		return r, err
	}
	m := &measurement{Config: c, folder: folder, report: &r}
	defer func() { err = errors.Join(err, m.stop(context.WithoutCancel(ctx)), os.RemoveAll(folder)) }()
	err = m.all(ctx)
	return r, err
}

type measurement struct {
	Config
	folder               string
	source, target, peer *mysqltest.Server
	tripod               program.Program
	first                int // of the source's binlog files that is replayed
	report               *Report
}

// options are those of all three servers: room for the rows, so that the disk does not decide.
func (m *measurement) options() mysqltest.Options {
	return mysqltest.Options{Dir: m.folder, GTID: true, Relaxed: true, LocalInfile: true,
		ExtraArgs: []string{"--innodb-buffer-pool-size=1G", "--innodb-redo-log-capacity=1G", "--innodb-doublewrite=OFF", "--max-binlog-size=1G"}}
}

func (m *measurement) say(format string, args ...any) error {
	_, err := fmt.Fprintf(m.Log, format+"\n", args...)
	return err
}

func (m *measurement) all(ctx context.Context) error {
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"start a source and fill it by sysbench", m.prepare},
		{"back up, and clone the source for mysqlbinlog | mysql", m.backUp},
		{"let sysbench write", m.write},
		{"restore", m.restore},
		{"mysqlbinlog | mysql", m.pipe},
		{"compare both targets with the source", m.compare},
	}
	for _, s := range steps {
		began := time.Now()
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.what, err)
		}
		if err := m.say("%7.1f s  %s", time.Since(began).Seconds(), s.what); err != nil {
			return err
		}
	}
	return nil
}

func (m *measurement) prepare(ctx context.Context) error {
	install, err := mysqltest.Find(mysqltest.MySQL97)
	if err != nil {
		return err
	}
	if m.source, err = install.Start(ctx, m.options()); err != nil {
		return err
	}
	if m.target, err = install.Start(ctx, m.options()); err != nil {
		return err
	}
	if err := m.source.Exec(ctx, "CREATE DATABASE "+schema); err != nil {
		return err
	}
	return m.sysbench(ctx, "prepare")
}

func (m *measurement) backUp(ctx context.Context) error {
	backup, err := m.source.CreateBackupUser(ctx)
	if err != nil {
		return err
	}
	restore, err := m.target.CreateRestoreUser(ctx, schema)
	if err != nil {
		return err
	}
	m.tripod = program.Program{Binary: m.Binary, WatchPeak: true, Env: []string{
		"PATH=/usr/bin:/bin", "HOME=" + m.folder, "TRIPOD_SOURCE_PASSWORD=" + backup.Password, "TRIPOD_TARGET_PASSWORD=" + restore.Password, "TRIPOD_MEMORY=" + m.Memory,
	}}
	var result struct{ Rows int }
	if _, err := m.tripod.Must(ctx, &result, m.args("backup")...); err != nil {
		return err
	}
	if result.Rows < m.Tables*m.Rows {
		return fmt.Errorf("the backup holds %d rows", result.Rows)
	}
	m.peer, err = m.source.Clone(ctx, mysqltest.CloneOptions{})
	return err
}

func (m *measurement) args(command string, more ...string) []string {
	return append([]string{command, "--source", m.source.URL(mysqltest.BackupUser), "--store", m.store(), "--instance", instance, "--json"}, more...)
}

func (m *measurement) store() string { return "file://" + filepath.Join(m.folder, "store") }

// write makes the log that is replayed, in files of its own.
func (m *measurement) write(ctx context.Context) error {
	if err := m.source.Exec(ctx, "FLUSH BINARY LOGS"); err != nil {
		return err
	}
	files, err := m.source.BinlogFiles()
	if err != nil {
		return err
	}
	if err := m.sysbench(ctx, "run"); err != nil {
		return err
	}
	if err := m.source.Exec(ctx, "FLUSH BINARY LOGS"); err != nil {
		return err
	}
	m.first = len(files) - 1
	after, err := m.log(m.first)
	if err != nil {
		return err
	}
	for _, f := range after {
		info, err := os.Stat(f)
		if err != nil {
			return err
		}
		m.report.LogBytes += info.Size()
	}
	return nil
}

// log lists the source's binlog files from the one of that number on.
func (m *measurement) log(from int) ([]string, error) {
	files, err := m.source.BinlogFiles()
	if err != nil {
		return nil, err
	}
	if from >= len(files) {
		return nil, fmt.Errorf("the source has %d binlog files", len(files))
	}
	return files[from:], nil
}

func (m *measurement) restore(ctx context.Context) error {
	var ignored struct{}
	if _, err := m.tripod.Must(ctx, &ignored, m.args("archive", "--until-idle")...); err != nil {
		return err
	}
	var result struct {
		Seconds struct{ Load, Replay float64 }
		Txns    uint64 `json:"transactions_replayed"`
		Rows    uint64 `json:"rows_written"`
	}
	o, err := m.tripod.Must(ctx, &result, "restore", "--store", m.store(), "--instance", instance, "--target", m.target.URL(mysqltest.RestoreUser), "--json")
	if err != nil {
		return err
	}
	if result.Txns < uint64(m.Transactions) {
		return fmt.Errorf("%d transactions were replayed", result.Txns)
	}
	m.report.Tripod, m.report.Load, m.report.Transactions, m.report.RowsWritten, m.report.Peak = result.Seconds.Replay, result.Seconds.Load, result.Txns, result.Rows, o.Peak
	return nil
}

func (m *measurement) compare(ctx context.Context) error {
	tables := make([]string, m.Tables)
	for i := range tables {
		tables[i] = fmt.Sprintf("%s.sbtest%d", schema, i+1)
	}
	sums := func(s *mysqltest.Server) (string, error) {
		rows, err := s.Root().QueryContext(ctx, "CHECKSUM TABLE "+strings.Join(tables, ", "))
		if err != nil {
			return "", err
		}
		defer rows.Close()
		var text strings.Builder
		for rows.Next() {
			var name, sum string
			if err := rows.Scan(&name, &sum); err != nil {
				return "", err
			}
			fmt.Fprintf(&text, "%s %s\n", name, sum)
		}
		return text.String(), rows.Err()
	}
	want, err := sums(m.source)
	if err != nil {
		return err
	}
	for what, s := range map[string]*mysqltest.Server{"tripod's target": m.target, "the target of mysqlbinlog | mysql": m.peer} {
		got, err := sums(s)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("%s differs:\n%swant\n%s", what, got, want)
		}
	}
	return nil
}

func (m *measurement) stop(ctx context.Context) error {
	var errs []error
	for _, s := range []*mysqltest.Server{m.source, m.target, m.peer} {
		if s != nil {
			errs = append(errs, s.Stop(ctx))
		}
	}
	return errors.Join(errs...)
}
