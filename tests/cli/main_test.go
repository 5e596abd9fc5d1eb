package cli

import (
	"context"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/program"
)

// shared is what the tests of the package have in common: the binary and the prepared store.
var shared struct {
	mu     sync.Mutex
	folder string
	binary string
	err    error
	story  *story
}

func TestMain(m *testing.M) {
	mysqltest.InMemory()
	mysqltest.Main(m, goleak.Cleanup(func(code int) {
		if err := os.RemoveAll(shared.folder); err != nil && code == 0 {
			code = 1
		}
		os.Exit(code)
	}))
}

// binary builds tripod once. The folder may be entered by other users: some tests run it as one.
func binary(t *testing.T) string {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.folder == "" {
		shared.folder, shared.err = makeShared()
	}
	if shared.err == nil && shared.binary == "" {
		shared.binary, shared.err = program.Build(context.Background(), shared.folder)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.binary
}

func makeShared() (string, error) {
	folder, err := os.MkdirTemp("", "tripod-cli-")
	if err != nil {
		return "", err
	}
	return folder, os.Chmod(folder, 0o755)
}
