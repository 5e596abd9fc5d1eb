package byhand

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// desk is an empty folder to work in, and a target.
type desk struct {
	t      *testing.T
	store  *store
	target *mysqltest.Server
	home   string
	work   string
}

var keeper = mysqltest.User{Name: "keeper", Password: "by hand"}

// newDesk makes an account with the rights that the page names, but for some of them.
func newDesk(t *testing.T, s *store, target *mysqltest.Server, without ...string) *desk {
	t.Helper()
	d := &desk{t: t, store: s, target: target, home: t.TempDir(), work: t.TempDir()}
	mysqltest.Exec(t, target, "DROP USER IF EXISTS keeper", "CREATE USER keeper IDENTIFIED BY 'by hand'", "GRANT ALL ON noise.* TO keeper", "DROP DATABASE IF EXISTS noise")
	for _, name := range restored {
		quoted := "`" + strings.ReplaceAll(name, "`", "``") + "`"
		mysqltest.Exec(t, target, "DROP DATABASE IF EXISTS "+quoted, "GRANT ALL ON "+quoted+".* TO keeper")
	}
	for _, right := range d.rights() {
		if !slices.Contains(without, right) {
			mysqltest.Exec(t, target, "GRANT "+right+" ON *.* TO keeper")
		}
	}
	options := fmt.Sprintf("[client]\nhost=127.0.0.1\nport=%d\nuser=%s\npassword=\"%s\"\n", target.Port(), keeper.Name, keeper.Password)
	if err := os.WriteFile(filepath.Join(d.home, ".my.cnf"), []byte(options), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// page is the README.md that lies in the store.
func (d *desk) page() string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.store.folder, "README.md"))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

var rightLine = regexp.MustCompile("(?m)^\\| `([A-Z_]+)`")

// rights are those of the page's table, of each line the first.
func (d *desk) rights() []string {
	d.t.Helper()
	var list []string
	for _, line := range rightLine.FindAllStringSubmatch(d.page(), -1) {
		list = append(list, line[1])
	}
	if len(list) < 5 {
		d.t.Fatalf("the page names the rights %v only", list)
	}
	return list
}

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// commands are the page's blocks, in order, with the first one, what is the reader's own, filled in.
func (d *desk) commands(folder, backup string) string {
	d.t.Helper()
	blocks := shellBlock.FindAllStringSubmatch(d.page(), -1)
	if len(blocks) < 6 {
		d.t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	own := map[string]string{"store": folder, "instance": instance, "backup": backup, "work": d.work}
	var script strings.Builder
	for line := range strings.Lines(blocks[0][1]) {
		name, _, _ := strings.Cut(line, "=")
		value, known := own[name]
		if !known {
			d.t.Fatalf("the page asks for %q", line)
		}
		delete(own, name)
		fmt.Fprintf(&script, "%s='%s'\n", name, value)
	}
	if len(own) > 0 {
		d.t.Fatalf("the page does not ask for %v", own)
	}
	for _, b := range blocks[1:] {
		script.WriteString(b[1])
	}
	return script.String()
}

// run runs the commands. Nothing is on the PATH but the server's programs, jq and zstd, and the system's own.
func (d *desk) run(folder, backup string) (output string, err error) {
	d.t.Helper()
	tools, err := mysqltest.Tools()
	if err != nil {
		d.t.Fatal(err)
	}
	path := []string{tools}
	for _, name := range []string{"mysql", "mysqlbinlog"} {
		program, err := d.target.Install().Program(name)
		if err != nil {
			d.t.Fatal(err)
		}
		path = append(path, filepath.Dir(program))
	}
	cmd := exec.CommandContext(d.t.Context(), "bash")
	cmd.Env = []string{"HOME=" + d.home, "PATH=" + strings.Join(append(path, "/usr/bin", "/bin"), ":")}
	cmd.Stdin = strings.NewReader(d.commands(folder, backup))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

// works runs the commands, which have to succeed.
func (d *desk) works(backup string) (output string) {
	d.t.Helper()
	output, err := d.run(d.store.folder, backup)
	if err != nil {
		d.t.Fatalf("%v\n%s", err, output)
	}
	return output
}

// stops runs the commands, which have to end early and say why.
func (d *desk) stops(folder, backup, why string) {
	d.t.Helper()
	output, err := d.run(folder, backup)
	if err == nil || !strings.Contains(output, why) || strings.Contains(output, "restored to") {
		d.t.Errorf("want it to stop and say %q: %v\n%s", why, err, output)
	}
}
