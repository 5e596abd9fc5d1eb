package archive_test

import (
	"os"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestMain runs as an archiver instead where a test started this program again to kill it.
func TestMain(m *testing.M) {
	if child := os.Getenv(childVariable); child != "" {
		os.Exit(runChild(child)) //nolint:forbidigo // this process is an archiver, not the test
	}
	mysqltest.InMemory() // the spool, whose syncs are measured, is on the disk
	mysqltest.Main(m)
}
