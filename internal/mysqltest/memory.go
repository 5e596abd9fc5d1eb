package mysqltest

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// memoryFolder is where Linux keeps files in memory.
const memoryFolder = "/dev/shm"

// memoryNeeded is what has to be free there: a package's servers hold some hundred MB each.
const memoryNeeded = 6 << 30

// inMemory has servers keep their files in memory, where that has room.
var inMemory bool

// InMemory has the servers that this process starts keep their files in memory, where there is enough of it: what they
// sync costs nothing then. A killed server finds all that it wrote, as on a disk. It is to be called before the
// first server is taken, and not where the time of a sync is what is tested.
func InMemory() { inMemory = true }

// TempDir is where files go that need not outlive the tests: into memory, with those of the servers, or to the operating
// system's temporary folder.
func TempDir() string {
	if inMemory && memory() != "" {
		return memory()
	}
	return os.TempDir()
}

// memory returns the folder for files in memory; empty where they go to the disk.
var memory = sync.OnceValue(func() string {
	var fs unix.Statfs_t
	if err := unix.Statfs(memoryFolder, &fs); err != nil || fs.Type != unix.TMPFS_MAGIC {
		return ""
	}
	if fs.Bavail*uint64(fs.Bsize) < memoryNeeded || availableMemory() < memoryNeeded {
		return ""
	}
	return memoryFolder
})

// availableMemory is what can be used without swapping, in bytes. What is free is less: behind a build the cache of files has
// most of it, and gives it back. 0 where the kernel does not say.
func availableMemory() uint64 {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(info), "MemAvailable:")
	var kilobytes uint64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		return 0
	}
	return kilobytes << 10
}
