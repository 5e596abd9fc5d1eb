package program

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockPoll is how often a process looks whether another one has finished the same build.
const lockPoll = 50 * time.Millisecond

// Build builds cmd/tripod as make build does and puts it into a folder. It returns the path of the binary. Run under
// make test it has failpoints, because GOFLAGS names the overlay. What was linked stays in .cache/tests: test packages that
// need the same binary link it once.
func Build(ctx context.Context, folder string) (string, error) {
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("build tripod: find the module: %w", err)
	}
	flags := sha256.Sum256([]byte(os.Getenv("GOFLAGS")))
	kept := filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), ".cache", "tests", "tripod-"+hex.EncodeToString(flags[:8]))
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return "", fmt.Errorf("build tripod: %w", err)
	}
	lock := flock.New(kept + ".lock")
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return "", fmt.Errorf("build tripod: wait for %s: %w", lock.Path(), err)
	}
	defer lock.Unlock() //nolint:errcheck // closing the file unlocks it, whatever it says
	// go looks whether what is there is what it would link.
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", kept, "github.com/tripod-db/tripod/cmd/tripod")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build tripod: %w\n%s", err, out)
	}
	path := filepath.Join(folder, "tripod")
	if err := copyProgram(kept, path); err != nil {
		return "", fmt.Errorf("build tripod: %w", err)
	}
	return path, nil
}

func copyProgram(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}
