package docs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/truth"
)

func TestMain(m *testing.M) { mysqltest.Main(m) }

// guideLimit bounds the whole guide.
const guideLimit = 5 * time.Minute

// block is one piece of a page that is set apart.
type block struct {
	kind, text string
}

var (
	comment = regexp.MustCompile(`(?s)<!--.*?-->`)
	fence   = regexp.MustCompile("(?ms)^```([a-z ]*)\n(.*?)^```$")
)

// blocks are those of a page, without what is commented out.
func blocks(t *testing.T, name string) []block {
	t.Helper()
	var list []block
	for _, b := range fence.FindAllStringSubmatch(comment.ReplaceAllString(page(t, name), ""), -1) {
		list = append(list, block{kind: b[1], text: b[2]})
	}
	return list
}

// reader is somebody who follows the guide.
type reader struct {
	t              *testing.T
	home           string
	source, target *mysqltest.Server
}

// own is what stands in the reader's place of the guide's own values.
func (r *reader) own() map[string]string {
	url := func(user string, s *mysqltest.Server) string { return fmt.Sprintf("mysql://%s@%s/", user, s.Addr()) }
	return map[string]string{
		"TRIPOD_SOURCE": url("tripod", r.source), "TRIPOD_SOURCE_PASSWORD": "a password of the source",
		"TRIPOD_TARGET": url("restorer", r.target), "TRIPOD_TARGET_PASSWORD": "a password of the target",
		"TRIPOD_STORE": "file://" + r.store(), "TRIPOD_INSTANCE": "shop", "TRIPOD_SPOOL": filepath.Join(r.home, "spool"),
	}
}

func (r *reader) store() string { return filepath.Join(r.home, "store") }

// script is the guide as one bash script: its commands in their order, and its SQL where it stands.
func (r *reader) script() string {
	r.t.Helper()
	client, err := r.source.Install().Program("mysql")
	if err != nil {
		r.t.Fatal(err)
	}
	script := "set -euo pipefail\n"
	sql := func(s *mysqltest.Server, text string) string {
		return fmt.Sprintf("%s --no-defaults --user=root --socket=%s <<'END OF SQL'\n%sEND OF SQL\n", client, s.Socket(), text)
	}
	commands := 0
	for _, b := range blocks(r.t, "guide.md") {
		switch b.kind {
		case "sh":
			script += "echo \"=== \" " + quoted(b.text) + "\n" + b.text
			commands++
		case "sh yours":
			script += r.yours(b.text)
		case "sql source":
			script += sql(r.source, b.text)
		case "sql target":
			script += sql(r.target, b.text)
		case "ini", "text":
		default:
			r.t.Errorf("the guide has a block of kind %q, which nobody runs", b.kind)
		}
	}
	if commands < 12 {
		r.t.Errorf("the guide has %d blocks of commands", commands)
	}
	return script
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

var export = regexp.MustCompile(`(?m)^export ([A-Z_]+)=.*$`)

// yours fills the values in.
func (r *reader) yours(text string) string {
	own := r.own()
	text = export.ReplaceAllStringFunc(text, func(line string) string {
		name := export.FindStringSubmatch(line)[1]
		value, known := own[name]
		if !known {
			r.t.Errorf("the guide sets %s", name)
		}
		delete(own, name)
		return "export " + name + "=" + quoted(value)
	})
	if len(own) > 0 {
		r.t.Errorf("the guide does not set %v", own)
	}
	return text
}

// follow runs the script in the project's folder, and ends what it has left running.
func (r *reader) follow(script string) string {
	r.t.Helper()
	tools, err := mysqltest.Tools()
	if err != nil {
		r.t.Fatal(err)
	}
	goFolder, err := exec.LookPath("go")
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), guideLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-s")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "HOME=") || strings.HasPrefix(s, "PATH=") || strings.HasPrefix(s, "TRIPOD_")
	}), "HOME="+r.home, "PATH="+tools+":"+filepath.Dir(goFolder)+":/usr/bin:/bin", "GOCACHE="+goEnv(r.t, "GOCACHE"), "GOMODCACHE="+goEnv(r.t, "GOMODCACHE"))
	cmd.Stdin = strings.NewReader(script)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	err = cmd.Run()
	if killed := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); killed != nil && !errors.Is(killed, syscall.ESRCH) {
		r.t.Error(killed)
	}
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(r.home, "archive.log")) // nothing, where the archiver never began
		r.t.Fatalf("the guide ends with %v:\n%s\narchiver:\n%s", err, out.String(), log)
	}
	return out.String()
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestGuide(t *testing.T) {
	r := &reader{t: t, home: t.TempDir(), source: mysqltest.Source(t), target: mysqltest.Target(t)}
	said := r.follow(r.script())
	for _, part := range []string{
		"from 20", "restored backup", "exit 12", "exit 130", "EXIT STATUS", "# A tripod store",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("nobody has said %q:\n%s", part, said)
		}
	}
	// But for the mistake, target and source are equal.
	mysqltest.Exec(t, r.source, "INSERT INTO shop.orders VALUES (1, 1, 120), (2, 1, 20), (3, 2, 300)")
	want, err := truth.Take(t.Context(), r.source.Root(), "shop", "audit")
	if err != nil {
		t.Fatal(err)
	}
	got, err := truth.Take(t.Context(), r.target.Root(), "shop", "audit")
	if err != nil {
		t.Fatal(err)
	}
	if d := want.Differences(got); len(d) > 0 {
		t.Errorf("the target differs:\n%s\n%s", strings.Join(d, "\n"), said)
	}
	checkKeys(t, r.store())
	r.unitStarts()
	screenIsOfToday(t)
}

// unitStarts reads the command line of the service: its flags have to be there.
func (r *reader) unitStarts() {
	r.t.Helper()
	for _, b := range blocks(r.t, "guide.md") {
		if b.kind != "ini" {
			continue
		}
		_, rest, found := strings.Cut(b.text, "\nExecStart=/usr/local/bin/tripod ")
		line, _, _ := strings.Cut(rest, "\n")
		out, err := exec.CommandContext(r.t.Context(), filepath.Join(r.home, "bin", "tripod"), append(strings.Fields(line), "--help")...).CombinedOutput()
		if !found || err != nil {
			r.t.Errorf("the service does not start: %v: %s", err, out)
		}
	}
}

// screenIsOfToday compares the guide's screen with what bars look like: tests/cli takes it from a
// terminal.
func screenIsOfToday(t *testing.T) {
	t.Helper()
	bar := regexp.MustCompile(`^[a-z]+ +\[=*>?-*\] +\d+%  \S+ left  [0-9,]+ rows  [0-9.]+ [KM]iB  [0-9.]+ [KM]iB/s$|^[a-z]+ +done in \S+(  .*)?$|^  \S`)
	for _, b := range blocks(t, "guide.md") {
		if b.kind != "text" {
			continue
		}
		for line := range strings.Lines(b.text) {
			if !bar.MatchString(strings.TrimSuffix(line, "\n")) {
				t.Errorf("the guide's screen shows %q", line)
			}
		}
	}
}
