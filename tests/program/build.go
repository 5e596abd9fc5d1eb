package program

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Build builds cmd/tripod into a folder and returns the path of the binary. Run under
// make test it has failpoints, because GOFLAGS names the overlay.
func Build(ctx context.Context, folder string) (string, error) {
	path := filepath.Join(folder, "tripod")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/tripod-db/tripod/cmd/tripod").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build tripod: %w\n%s", err, out)
	}
	return path, nil
}
