package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/program"
)

// wide is a terminal on which every line of the log has room, narrow one on which bars have none.
const wide, usual, narrow = 400, 100, 30

// Lines of a screen: of the log, of a phase, of what it does, and of the end.
var (
	logText    = regexp.MustCompile(`^time=\S+ level=\S+ msg=.`)
	phaseText  = regexp.MustCompile(`^(plan|definitions|load|replay|finish|backup|archive) `)
	statusText = regexp.MustCompile(`^  \S`)
	endText    = regexp.MustCompile(`^(tripod|hint): `)
)

// terminalServers are a source with rows for a second or two of reading, and a target.
func terminalServers(t *testing.T) (source, target *mysqltest.Server) {
	t.Helper()
	source, target = sourceServer(t), targetServer(t)
	mysqltest.Exec(t, source, "CREATE DATABASE shop",
		"CREATE TABLE shop.items (id INT PRIMARY KEY AUTO_INCREMENT, noise VARBINARY(100))",
		"CREATE TABLE shop.locked (id INT PRIMARY KEY, noise VARBINARY(100))",
		"INSERT INTO shop.items (noise) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT RANDOM_BYTES(100) FROM n",
		"INSERT INTO shop.locked SELECT * FROM shop.items LIMIT 300")
	return source, target
}

// startOn starts tripod with standard error on a terminal.
func (d *desk) startOn(width int, args ...string) *program.Terminal {
	d.t.Helper()
	s, err := d.with("TERM=xterm").StartOnTerminal(d.t.Context(), width, 24, args...)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { s.Kill() })
	return s
}

// finish waits for the end, and wants nothing on the screen but whole lines.
func (d *desk) finish(s *program.Terminal) program.Outcome {
	d.t.Helper()
	o, err := s.Finish()
	if err != nil {
		d.t.Fatal(err)
	}
	o.Stderr = strings.Join(s.Screen.Lines(), "\n")
	d.checkOutput(o)
	if err := s.Screen.Check(); err != nil {
		d.t.Errorf("%v\n%s", err, o)
	}
	for _, line := range s.Screen.Lines() {
		if !logText.MatchString(line) && !phaseText.MatchString(line) && !statusText.MatchString(line) && !endText.MatchString(line) && line != "" {
			d.t.Errorf("the screen shows %q\n%s", line, o)
		}
	}
	return o
}

// shows waits until the screen shows a text, and returns that screen.
func (d *desk) shows(s *program.Terminal, pattern string) (frame string) {
	d.t.Helper()
	text := regexp.MustCompile(pattern)
	seen := 0
	mysqltest.Eventually(d.t, func() bool {
		frames := s.Screen.Frames()
		for ; seen < len(frames); seen++ {
			if text.MatchString(frames[seen]) {
				frame = frames[seen]
				return true
			}
		}
		return false
	}, "a screen that shows "+pattern)
	return frame
}

func TestProgress(t *testing.T) {
	source, target := terminalServers(t)
	d := newDesk(t)
	d.works(d.source("archive", source, "--until-idle")...)
	d.backupBesideALock(source)
	for range 4 {
		mysqltest.Exec(t, source, "UPDATE shop.items SET noise = RANDOM_BYTES(100) WHERE id % 10 = 3")
	}
	d.works(d.source("archive", source, "--until-idle", "--segment-size", "8KiB")...)
	d.restoreSlowly(target)
	emptyTarget(t, target)
	d.narrowly(target)
	d.plainly(source)
}

// backupBesideALock has a log of every kind between its bars.
func (d *desk) backupBesideALock(source *mysqltest.Server) {
	d.t.Helper()
	ctx := d.t.Context()
	lock, err := source.Root().Conn(ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(ctx, "LOCK TABLES shop.locked WRITE"); err != nil {
		d.t.Fatal(err)
	}
	s := d.startOn(wide, d.source("backup", source, "--log-level", "debug", "--json")...)
	d.shows(s, `(?m)^backup .*%.* rows.* KiB.*/s.*\n  waits for another session that holds a lock on shop\.locked \(`)
	if _, err := lock.ExecContext(ctx, "UNLOCK TABLES"); err != nil {
		d.t.Fatal(err)
	}
	o := d.finish(s)
	var any struct{}
	if err := o.JSON(&any); err != nil || o.Code != 0 {
		d.t.Fatalf("%v\n%s", err, o)
	}
	if n := strings.Count(o.Stderr, "discovery is complete"); n != 1 || !regexp.MustCompile(`(?m)^backup +done in .* 1,300 rows`).MatchString(o.Stderr) {
		d.t.Errorf("the end of discovery is told %d times\n%s", n, o)
	}
}

// restoreSlowly shows load and replay at work. What it shows is kept for docs/ where
// TRIPOD_TEST_SCREEN names a file.
func (d *desk) restoreSlowly(target *mysqltest.Server) {
	d.t.Helper()
	s := d.startOn(usual, d.restore(target, "--bandwidth", "60KiB")...)
	d.shows(s, `(?m)^load +\[=*>?-+\] +\d+% .* left +[0-9,]+ rows +\S+ KiB +\S+ KiB/s\n  shop\.`)
	frame := d.shows(s, `(?m)^replay +\[=+>-+\] +\d+% .* left .* rows .* KiB +\S+ KiB/s\n  \S`)
	if o := d.finish(s); o.Code != 0 || !strings.Contains(o.Stdout, "restored backup") {
		d.t.Fatal(o)
	}
	if path, asked := os.LookupEnv("TRIPOD_TEST_SCREEN"); asked {
		if err := os.WriteFile(path, []byte(frame+"\n"), 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
}

// narrowly has no room for bars.
func (d *desk) narrowly(target *mysqltest.Server) {
	d.t.Helper()
	s := d.startOn(narrow, d.restore(target, "--bandwidth", "40KiB", "--log-level", "error")...)
	d.shows(s, `(?m)^load +[0-9]+%`)
	if o := d.finish(s); o.Code != 0 {
		d.t.Fatal(o)
	}
}

// plainly runs on a terminal that cannot move its cursor, and in a pipe.
func (d *desk) plainly(source *mysqltest.Server) {
	d.t.Helper()
	s, err := d.with("TERM=dumb").StartOnTerminal(d.t.Context(), wide, 24, d.source("archive", source, "--until-idle")...)
	if err != nil {
		d.t.Fatal(err)
	}
	if o := d.finish(s); o.Code != 0 || phaseText.MatchString(o.Stderr) {
		d.t.Errorf("on a dumb terminal: %s", o)
	}
	o := d.with("TERM=xterm").run(d.source("archive", source, "--until-idle", "--log-format", "json")...)
	if strings.Contains(o.Stderr, "\x1b") || !strings.HasPrefix(o.Stderr, "{") {
		d.t.Errorf("in a pipe: %q", o.Stderr)
	}
}
