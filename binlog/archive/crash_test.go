package archive_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// startChild starts an archiver in a process of its own; environment is added.
func (s *site) startChild(t testing.TB, environment ...string) *exec.Cmd {
	t.Helper()
	return s.startChildWith(t, func(*child) {}, environment...)
}

func (s *site) startChildWith(t testing.TB, change func(*child), environment ...string) *exec.Cmd {
	t.Helper()
	c := child{
		URL: s.url, Password: s.user.Password, Store: s.store, Spool: s.spool,
		Flush: 20 * time.Millisecond, SegmentSize: 64 << 10, LargeSegments: 200 << 10,
	}
	change(&c)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(append(os.Environ(), childVariable+"="+string(text)), environment...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// The archiver is killed every few hundred milliseconds while transactions of every size come
// in: the archive is unbroken, every file equals the source's and mysqlbinlog reads it.
func TestArchiverKilledAgainAndAgain(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	stop := load(t, s.source, 2*time.Millisecond)
	for n := range 15 {
		before := s.lease(t).Epoch
		cmd := s.startChild(t)
		if n%3 == 0 { // how long a start takes is the machine's: some are to come to archiving before they are killed
			s.awaitLease(t, before+1)
		}
		timer := time.NewTimer(200*time.Millisecond + time.Duration(random.Int64N(int64(400*time.Millisecond))))
		<-timer.C
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
	}
	stop()
	epochs := s.lease(t).Epoch
	s.untilIdle(t, nil)
	if names := s.compareFiles(t, s.timeline(t)); len(names) < 3 {
		t.Errorf("only files %v were archived", names)
	}
	if epochs < 5 {
		t.Errorf("only %d of the killed archivers took the lease", epochs)
	}
	if holes, err := s.catalog().Holes(t.Context(), instance); err != nil || len(holes) > 0 {
		t.Errorf("holes %v: %v", holes, err)
	}
	s.readAll(t)
}

// At each place at which a crash leaves something half done the archiver is killed, more than
// once, and the next one goes on.
func TestArchiverKilledAtEveryPlace(t *testing.T) {
	for _, place := range []string{"leased", "appended", "sealed", "uploaded", "headed", "indexed", "journaled"} {
		t.Run(place, func(t *testing.T) {
			mysqltest.Failpoint(t, "binlog/archive/"+place, "off") // fails in a build without failpoints
			s := newSite(t, mysqltest.Source(t))
			stop := load(t, s.source, 2*time.Millisecond)
			for _, n := range []int{0, 1, 3} {
				// The first n times the place is passed, then the process ends at it.
				term := "panic"
				if n > 0 && place != "leased" { // passed once in a process
					term = fmt.Sprintf("%d*off->panic", n)
				}
				cmd := s.startChild(t, mysqltest.FailpointVariable("binlog/archive/"+place, term))
				err := cmd.Wait()
				if err == nil || cmd.ProcessState.ExitCode() != 2 { // a panic's
					t.Fatalf("the archiver ended with %v", err)
				}
			}
			stop()
			s.untilIdle(t, nil)
			s.compareFiles(t, s.timeline(t))
			s.readAll(t)
		})
	}
}
