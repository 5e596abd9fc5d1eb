package replayspeed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// sysbench runs a command of its write-only test on the source.
func (m *measurement) sysbench(ctx context.Context, command string) error {
	cmd := exec.CommandContext(ctx, m.Sysbench, "oltp_write_only",
		"--mysql-host=127.0.0.1", "--mysql-port="+strconv.Itoa(m.source.Port()), "--mysql-user="+mysqltest.Root.Name, "--mysql-password="+mysqltest.Root.Password,
		"--mysql-db="+schema, "--tables="+strconv.Itoa(m.Tables), "--table-size="+strconv.Itoa(m.Rows), "--threads="+strconv.Itoa(m.Threads),
		"--events="+strconv.Itoa(m.Transactions), "--time=0", command)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sysbench %s: %w: %s", command, err, out)
	}
	return nil
}

// pipe replays the same log the stock way: mysqlbinlog into mysql, as an administrator.
func (m *measurement) pipe(ctx context.Context) (err error) {
	files, err := m.log(m.first)
	if err != nil {
		return err
	}
	programs := map[string]string{"mysqlbinlog": "", "mysql": ""}
	for name := range programs {
		if programs[name], err = m.source.Install().Program(name); err != nil {
			return err
		}
	}
	read := exec.CommandContext(ctx, programs["mysqlbinlog"], append([]string{"--no-defaults"}, files...)...)
	write := exec.CommandContext(ctx, programs["mysql"], "--no-defaults", "--user="+mysqltest.Root.Name, "--socket="+m.peer.Socket())
	write.Env = append(write.Environ(), "MYSQL_PWD="+mysqltest.Root.Password)
	var readErrors, writeErrors bytes.Buffer
	read.Stderr, write.Stderr = &readErrors, &writeErrors
	if write.Stdin, err = read.StdoutPipe(); err != nil {
		return err
	}
	began := time.Now()
	if err := write.Start(); err != nil {
		return err
	}
	if err := read.Start(); err != nil {
		return errors.Join(err, write.Process.Kill(), write.Wait())
	}
	writeErr := write.Wait()
	readErr := read.Wait()
	m.report.Peer = time.Since(began).Seconds()
	if err := errors.Join(readErr, writeErr); err != nil {
		return fmt.Errorf("%w: %s %s", err, readErrors.String(), writeErrors.String())
	}
	return nil
}
