package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program is a module of one main package with a failpoint, beside a copy of this module's go.sum.
const program = `package main

import (
	"fmt"

	"github.com/pingcap/failpoint"
)

func answer() (text string) {
	text = "plain"
	failpoint.Inject("answer", func(value failpoint.Value) { text = value.(string) })
	return text
}

func main() { fmt.Println(answer()) }
`

const programTest = `package main

import (
	"testing"

	"github.com/pingcap/failpoint"
)

func TestAnswer(t *testing.T) {
	if err := failpoint.Enable("example.org/probe/cmd/answer", "return(\"in a test\")"); err != nil {
		t.Fatal(err)
	}
	if got := answer(); got != "in a test" {
		t.Fatalf("got %q", got)
	}
}
`

// newModule writes the module, makes it the working directory, and returns a function that runs the go command there.
func newModule(t *testing.T) func(env string, args ...string) (string, error) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		write(name, strings.Replace(string(text), "module github.com/tripod-db/tripod\n", "module example.org/probe\n", 1))
	}
	write("cmd/main.go", program)
	write("cmd/main_test.go", programTest)
	t.Chdir(dir)
	return func(env string, args ...string) (string, error) {
		t.Helper()
		command := exec.CommandContext(t.Context(), args[0], args[1:]...)
		// -mod=mod: the module needs less than go.mod says, and nothing may depend on how it says so. The rest are the flags of
		// make build, which has compiled the standard library with them.
		command.Env = append(os.Environ(), "GOFLAGS=-mod=mod -trimpath", "CGO_ENABLED=0", env)
		out, err := command.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
}

func overlayPath(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), &out, false); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

func TestFailpointFiresInABuiltProgram(t *testing.T) {
	command := newModule(t)
	const enable = `GO_FAILPOINTS=example.org/probe/cmd/answer=return("from outside")`
	for _, c := range []struct {
		name, overlay, env, want string
	}{
		{"with the overlay and the variable", "-overlay=" + overlayPath(t), enable, "from outside"},
		{"with the overlay alone", "-overlay=" + overlayPath(t), "", "plain"},
		{"without the overlay", "", enable, "plain"},
	} {
		build := []string{"go", "build", "-o", "probe"}
		if c.overlay != "" {
			build = append(build, c.overlay)
		}
		if out, err := command("", append(build, "./cmd")...); err != nil {
			t.Fatalf("build %s: %v\n%s", c.name, err, out)
		}
		if out, err := command(c.env, "./probe"); err != nil || out != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, out, err, c.want)
		}
	}
}

func TestFailpointFiresInATest(t *testing.T) {
	command := newModule(t)
	if out, err := command("", "go", "test", "-overlay="+overlayPath(t), "./..."); err != nil {
		t.Errorf("with the overlay: %v\n%s", err, out)
	}
	if out, err := command("", "go", "test", "./..."); err == nil || !strings.Contains(out, `got "plain"`) {
		t.Errorf("without the overlay the failpoint must be inert: %v\n%s", err, out)
	}
}

func TestListNamesFailpoints(t *testing.T) {
	newModule(t)
	var out bytes.Buffer
	if err := run(t.Context(), &out, true); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "example.org/probe/cmd/answer\n" {
		t.Errorf("got %q", got)
	}
}
