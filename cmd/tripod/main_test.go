package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.uber.org/goleak"

	"github.com/tripod-db/tripod/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// invoke runs a command line inside the test's process.
func invoke(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, streams{in: strings.NewReader(""), out: &out, err: &errs}, func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	})
	return code, out.String(), errs.String()
}

// walk visits a command and all below it.
func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, c := range cmd.Commands() {
		walk(c, visit)
	}
}

func TestEveryCommandHasHelpWithExitStatusAndExamples(t *testing.T) {
	visited := 0
	walk(newRoot(&invocation{}), func(c *cobra.Command) {
		visited++
		path := strings.Fields(c.CommandPath())[1:]
		if c.Short == "" || c.Example == "" {
			t.Errorf("%v lacks examples or a short line", path)
		}
		code, out, _ := invoke(t, nil, append(path, "--help")...)
		_, helped, _ := invoke(t, nil, append([]string{"help"}, path...)...)
		if code != 0 || helped != out {
			t.Errorf("%v --help: exit %d, and help says something else:\n%s\n%s", path, code, out, helped)
		}
		for _, part := range []string{"\nEXIT STATUS\n", "\nExamples:\n", "\nFlags:\n", "--json", "--bandwidth", "\nUsage:\n"} {
			if !strings.Contains(out, part) {
				t.Errorf("the help of %v lacks %q", path, part)
			}
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%v --%s says nothing", path, f.Name)
			}
		})
		var doc helpResult
		code, out, _ = invoke(t, nil, append(path, "--help", "--json")...)
		if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 0 || !strings.Contains(doc.Help, "EXIT STATUS") || strings.Count(out, "\n") != 1 {
			t.Errorf("%v --help --json: exit %d, %v: %.200q", path, code, err, out)
		}
	})
	if visited < 8 {
		t.Errorf("%d commands", visited)
	}
}

func TestVersionIsOneDocument(t *testing.T) {
	code, out, errs := invoke(t, nil, "version", "--json")
	var v versionResult
	if code != 0 || errs != "" || json.Unmarshal([]byte(out), &v) != nil || v.Formats["manifest"] == 0 || strings.Count(out, "\n") != 1 {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}

func TestUsageFaultsOfJSONAreOneDocument(t *testing.T) {
	for _, args := range [][]string{
		{"restore", "--json"}, {"--json", "nonsense"}, {"list", "--json", "--nonsense"}, {"list", "--store", "file:///x", "--json", "--max-lag", "soon"},
	} {
		code, out, _ := invoke(t, nil, args...)
		var doc struct{ Error errorDocument }
		if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 2 || doc.Error.Code != 2 || doc.Error.Kind != fault.KindUsage || doc.Error.Hint == "" {
			t.Errorf("%v: exit %d, %q (%v)", args, code, out, err)
		}
	}
}

func TestSettingsComeFromFlagThenEnvironmentThenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tripod.yaml")
	if err := os.WriteFile(file, []byte("log-format: nonsense\nversion:\n  log-format: json\nlog-level: error\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env  map[string]string
		args []string
		code int
	}{
		{nil, []string{"version"}, 0},
		{nil, []string{"version", "--config", file}, 0}, // the command's own section wins over the top
		{map[string]string{"TRIPOD_CONFIG": file}, []string{"version"}, 0},
		{map[string]string{"TRIPOD_LOG_FORMAT": "nonsense"}, []string{"version", "--config", file}, 2},
		{map[string]string{"TRIPOD_LOG_FORMAT": "nonsense"}, []string{"version", "--log-format", "text"}, 0},
		{map[string]string{"TRIPOD_NEVER_HEARD_OF": "x"}, []string{"version"}, 0},
		{nil, []string{"version", "--config", file + ".missing"}, 2},
	} {
		if code, _, errs := invoke(t, c.env, c.args...); code != c.code {
			t.Errorf("%v with %v: exit %d, want %d: %s", c.args, c.env, code, c.code, errs)
		}
	}
}

func TestUnknownSettingIsNamedWithItsLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tripod.yaml")
	if err := os.WriteFile(file, []byte("log-level: info\nbackup:\n  threads: 2\n  thread: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := invoke(t, nil, "version", "--config", file)
	if code != 2 || !strings.Contains(errs, "line 4") || !strings.Contains(errs, "backup.thread") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestByteSize(t *testing.T) {
	for text, want := range map[string]byteSize{"512MiB": 512 << 20, "16mb": 16e6, "1.5 KiB": 1536, "1000000": 1e6, "2G": 2 << 30, "7B": 7} {
		var b byteSize
		if err := b.Set(text); err != nil || b != want {
			t.Errorf("%q is %d, %v", text, b, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "0", "x", "1e30TiB", "NaN"} {
		var b byteSize
		if err := b.Set(text); err == nil {
			t.Errorf("%q was read as %d", text, b)
		}
	}
}

func TestNameList(t *testing.T) {
	var l nameList
	for _, text := range []string{"a,b.*", "`c,d`.`e``,f`, g"} {
		if err := l.Set(text); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"a", "b.*", "`c,d`.`e``,f`", "g"}; !slices.Equal(l, want) {
		t.Errorf("got %q", []string(l))
	}
	for _, text := range []string{"", "a,", "a,,b", "`a"} {
		var l nameList
		if err := l.Set(text); err == nil {
			t.Errorf("%q was read as %q", text, []string(l))
		}
	}
}

func TestStopTime(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-20T12:00:00Z":             "2026-11-20T12:00:00.999999Z",
		"2026-11-20T12:00:00":              "2026-11-20T12:00:00.999999Z",
		"2026-11-20 12:00:00":              "2026-11-20T12:00:00.999999Z",
		"2026-11-20t12:00:00.000000z":      "2026-11-20T12:00:00.000000Z",
		"2026-11-20T12:00:00.25+02:00":     "2026-11-20T10:00:00.250000Z",
		"2026-11-20T12:00:00-03:30":        "2026-11-20T15:30:00.999999Z",
		"2026-11-20T12:00:00.1234567":      "2026-11-20T12:00:00.123456Z",
		"2026-12-31T23:59:59.999999+00:00": "2026-12-31T23:59:59.999999Z",
	} {
		got, err := parseStopTime(text)
		if err != nil || got.String() != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "2026-11-20", "12:00:00", "2026-02-30T00:00:00Z", "2026-11-20T25:00:00Z"} {
		if got, err := parseStopTime(text); err == nil {
			t.Errorf("%q was read as %s", text, got)
		}
	}
}
