package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/file"
)

func TestCompletionScripts(t *testing.T) {
	for _, shell := range shellNames {
		code, script, errs := invoke(t, nil, "completion", shell)
		if code != 0 || errs != "" || !strings.Contains(script, "tripod") || !strings.Contains(script, cobra.ShellCompRequestCmd) {
			t.Errorf("%s: exit %d, %s, %d bytes", shell, code, errs, len(script))
		}
		if shell == "bash" {
			cmd := exec.CommandContext(t.Context(), "bash", "-n")
			cmd.Stdin = strings.NewReader(script)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("bash does not read the script: %v: %s", err, out)
			}
		}
		code, out, _ := invoke(t, nil, "completion", shell, "--json")
		var doc completionResult
		if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 0 || doc.Shell != shell || doc.Script != script {
			t.Errorf("%s --json: exit %d, %v", shell, code, err)
		}
	}
	for _, args := range [][]string{{"completion"}, {"completion", "tcsh"}, {"completion", "bash", "zsh"}} {
		if code, out, errs := invoke(t, nil, args...); code != 2 || out != "" || !strings.Contains(errs, "completion bash") {
			t.Errorf("%v: exit %d, %q, %s", args, code, out, errs)
		}
	}
}

// filledStore holds two instances, one with two backups.
func filledStore(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	bucket, err := file.Open(folder, file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cat := catalog.New(bucket)
	for _, name := range []string{"shop", "well"} {
		if err := cat.EnsureInstance(t.Context(), catalog.Instance{Name: name, Created: 1, Flavor: "mysql"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"20260101-000000-000-aaaaaaaa", "20260102-000000-000-bbbbbbbb"} {
		if err := cat.PutManifest(t.Context(), &catalog.Manifest{ID: id, Instance: "shop"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := bucket.Close(); err != nil {
		t.Fatal(err)
	}
	return "file://" + folder
}

func TestDynamicCompletion(t *testing.T) {
	store := filledStore(t)
	newestFirst := []string{"20260102-000000-000-bbbbbbbb", "20260101-000000-000-aaaaaaaa"}
	for _, c := range []struct {
		env  map[string]string
		args []string
		want []string
	}{
		{nil, []string{"restore", "--store", store, "--instance", ""}, []string{"shop", "well"}},
		{nil, []string{"list", "--json", "--store=" + store, "--instance", ""}, []string{"shop", "well"}},
		{map[string]string{"TRIPOD_STORE": store}, []string{"archive", "--instance", ""}, []string{"shop", "well"}},
		{map[string]string{"TRIPOD_STORE": store, "TRIPOD_INSTANCE": "shop"}, []string{"restore", "--backup", ""}, newestFirst},
		{nil, []string{"restore", "--store", store, "--instance", "shop", "--backup", ""}, newestFirst},
		{nil, []string{"restore", "--store", store, "--instance", "none", "--backup", ""}, nil},
		{nil, []string{"restore", "--instance", ""}, nil},
		{nil, []string{"restore", "--store", store + "/missing", "--instance", ""}, nil},
		{map[string]string{"TRIPOD_CONFIG": "/nowhere"}, []string{"restore", "--store", store, "--instance", ""}, nil},
		{nil, []string{"backup", "--compress", ""}, []string{"zstd", "gzip", "none"}},
		{nil, []string{"restore", "--events", ""}, []string{"keep", "disable"}},
		{nil, []string{"restore", "--on-divergence", ""}, []string{"stop", "binlog-wins"}},
		{nil, []string{"version", "--log-level", ""}, []string{"debug", "info", "warn", "error"}},
		{nil, []string{"version", "--log-format", ""}, []string{"text", "json"}},
		{nil, []string{"list", "--store", ""}, []string{"file:///"}},
		{nil, []string{"completion", ""}, shellNames},
	} {
		_, out, _ := invoke(t, c.env, append([]string{cobra.ShellCompNoDescRequestCmd}, c.args...)...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		got := lines[:len(lines)-1]
		if directive := lines[len(lines)-1]; !strings.HasPrefix(directive, ":") || !slices.Equal(got, c.want) {
			t.Errorf("%v with %v: %q, want %q", c.args, c.env, lines, c.want)
		}
	}
	_, out, _ := invoke(t, nil, cobra.ShellCompNoDescRequestCmd, "")
	for _, c := range []string{"archive", "backup", "completion", "help", "list", "restore", "version"} {
		if !slices.Contains(strings.Split(out, "\n"), c) {
			t.Errorf("the command %s is not offered: %q", c, out)
		}
	}
}

// Every flag whose help lists its values has them completed.
func TestFlagsOfFewValuesAreCompleted(t *testing.T) {
	for _, c := range newRoot(&invocation{}).Commands() {
		for _, name := range flagNames(c) {
			values := flagValues[name]
			for _, v := range values {
				if !strings.Contains(c.Flag(name).Usage, v) {
					t.Errorf("the help of %s --%s does not name the value %s", c.Name(), name, v)
				}
			}
		}
	}
}
