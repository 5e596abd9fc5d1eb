package server_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// TestDefaultsFileMeansWhatItMeansToMySQL compares each value with what MySQL's own client reads.
func TestDefaultsFileMeansWhatItMeansToMySQL(t *testing.T) {
	install, err := mysqltest.Find(mysqltest.MySQL97)
	if err != nil {
		t.Fatal(err)
	}
	client, err := install.Program("mysql")
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{
		`plain`, `"b@ck:up/ \"p%w'"`, `'x\"y\'z'`, `un\"q\'t`, `"a#b" # comment`, `a#b`, `a #b`, `"a\"#b" # c`, `'a"b'`, `"abc`,
		`ab\q\\`, `"x\"`, `tail\`, `"in" out`, `"n # b`, `'a' 'b'`, `"p\s\tq"`, `a"#"b`, `""`, `"`, `a\"#b`, `"x\\"#c`, `"#\\#"`, `"\\\"'#"`,
	} {
		path := filepath.Join(t.TempDir(), "my.cnf")
		// The client shows every option but the password.
		if err := os.WriteFile(path, []byte("[client]\nuser="+value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), client, "--defaults-file="+path, "--print-defaults").Output()
		if err != nil {
			t.Fatal(err)
		}
		_, want, found := strings.Cut(strings.TrimSuffix(string(out), " \n"), "--user=")
		if !found {
			t.Fatalf("%s: the client says %q", value, out)
		}
		d, err := server.ReadDefaultsFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d.User != want {
			t.Errorf("%s is read as %q, the client reads %q", value, d.User, want)
		}
	}
}
