package mysqltest

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestAvailableMemory: unknown, it would keep all servers on the disk without a word.
func TestAvailableMemory(t *testing.T) {
	var of unix.Sysinfo_t
	if err := unix.Sysinfo(&of); err != nil {
		t.Fatal(err)
	}
	if a, all := availableMemory(), of.Totalram*uint64(of.Unit); a == 0 || a > all {
		t.Errorf("%d bytes of %d are available", a, all)
	}
}
