package mysqltest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// templateFormat is raised when templates are made in another way, so that old ones are not used.
const templateFormat = "2"

// lockPoll is how often a process looks whether another one has finished what both need.
const lockPoll = 20 * time.Millisecond

// template returns a data directory that was initialized, and is never started itself. It is created at its first use on
// this machine; processes that need it at the same moment wait for the one that creates it.
func (i Install) template(ctx context.Context, initArgs []string) (string, error) {
	key := sha256.Sum256([]byte(strings.Join(append([]string{templateFormat, i.Mysqld, i.Version}, initArgs...), "\x00")))
	dir := filepath.Join(i.templates, "template-"+hex.EncodeToString(key[:8]))
	if exists(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(i.templates, 0o755); err != nil {
		return "", fmt.Errorf("create the template of a data directory: %w", err)
	}
	lock := flock.New(dir + ".lock")
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return "", fmt.Errorf("create the template of a data directory: wait for %s: %w", lock.Path(), err)
	}
	defer lock.Unlock() //nolint:errcheck // closing the file unlocks it, whatever it says
	if exists(dir) {
		return dir, nil
	}
	return dir, i.initialize(ctx, dir, initArgs)
}

// initialize creates the data directory dir, whole or not at all.
func (i Install) initialize(ctx context.Context, dir string, initArgs []string) error {
	full, unfinished := dir+".full", dir+".new"
	for _, left := range []string{full, unfinished} { // by one that was killed
		if err := os.RemoveAll(left); err != nil {
			return fmt.Errorf("initialize %s: %w", dir, err)
		}
	}
	args := append(i.commonArgs(full), initArgs...)
	if err := i.fill(ctx, full, args); err != nil {
		return fmt.Errorf("initialize %s: %w", dir, err)
	}
	// Every server makes an identity of its own at its first start.
	if err := os.Remove(filepath.Join(full, "auto.cnf")); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("initialize %s: %w", dir, err)
	}
	if err := squeezeTree(full, unfinished); err != nil {
		return fmt.Errorf("initialize %s: %w", dir, err)
	}
	if err := os.RemoveAll(full); err != nil {
		return fmt.Errorf("initialize %s: %w", dir, err)
	}
	if err := os.Rename(unfinished, dir); err != nil {
		return fmt.Errorf("initialize %s: %w", dir, err)
	}
	return nil
}

// fill has the server make its system tables in the data directory dir.
func (i Install) fill(ctx context.Context, dir string, args []string) error {
	scripts := kinds[i.Kind].bootstrap
	if len(scripts) == 0 {
		return run(exec.CommandContext(ctx, i.Mysqld, append(args, "--initialize-insecure")...))
	}
	if i.root == "" {
		return fmt.Errorf("%s is not in a folder that make servers made: its scripts cannot be found", i.Mysqld)
	}
	// 5.6 takes a folder for a schema, and needs the one of its system tables.
	if err := os.MkdirAll(filepath.Join(dir, "mysql"), 0o755); err != nil {
		return err
	}
	input := []io.Reader{strings.NewReader("USE mysql;\nSET @skip_auth_anonymous = 1;\nSET @auth_root_socket = NULL;\n")}
	for _, name := range scripts {
		script, err := os.Open(filepath.Join(i.root, kinds[i.Kind].share, name))
		if err != nil {
			return err
		}
		defer script.Close() //nolint:errcheck // only read
		input = append(input, script)
	}
	// 5.6 lets everybody in without a name, and into every schema whose name begins with test.
	input = append(input, strings.NewReader("\nDELETE FROM mysql.user WHERE user = '';\nDELETE FROM mysql.db;\n"))
	command := exec.CommandContext(ctx, i.Mysqld, append(args, "--bootstrap")...)
	command.Stdin = io.MultiReader(input...)
	return run(command)
}

// run runs a command whose output matters only when it fails.
func run(command *exec.Cmd) error {
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, tail(out, 2000))
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// tail returns the last n bytes of text.
func tail(text []byte, n int) string {
	if len(text) > n {
		text = text[len(text)-n:]
	}
	return strings.TrimSpace(string(text))
}
