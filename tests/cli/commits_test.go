package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// Lines of stock mysqlbinlog, of which a transaction has one each, in this order.
var (
	commitLine = regexp.MustCompile(`^# immediate_commit_timestamp=(\d+) `)
	gtidLine   = regexp.MustCompile(`^SET @@SESSION.GTID_NEXT= '([^']+)'`)
)

// readCommits reads, with the server's own mysqlbinlog, when each transaction was committed.
func (s *teller) readCommits(ctx context.Context) error {
	binlog, err := s.server.Install().Program("mysqlbinlog")
	if err != nil {
		return err
	}
	files, err := s.server.BinlogFiles()
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, binlog, append([]string{"--no-defaults"}, files...)...).Output()
	if err != nil {
		return fmt.Errorf("mysqlbinlog of the source: %w", err)
	}
	var at int64
	for line := range bytes.Lines(out) {
		if m := commitLine.FindSubmatch(line); m != nil {
			if at, err = strconv.ParseInt(string(m[1]), 10, 64); err != nil {
				return err
			}
		}
		if m := gtidLine.FindSubmatch(line); m != nil && string(m[1]) != "AUTOMATIC" {
			s.commits[string(m[1])] = time.UnixMicro(at).UTC()
		}
	}
	if len(s.commits) == 0 {
		return errors.New("mysqlbinlog told no commit time")
	}
	return nil
}
