package mysqltest

import (
	"bufio"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// holdServer is given to this test binary when it is started by TestServerDiesWithItsOwner.
var holdServer = flag.Bool("hold-server", false, "start a server, print its process id, and wait to be killed")

func TestHoldServer(t *testing.T) {
	if !*holdServer {
		return // only a part of TestServerDiesWithItsOwner
	}
	install, err := Find(MySQL97)
	if err != nil {
		t.Fatal(err)
	}
	s, err := install.Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString("server " + itoa(s.PID()) + " in " + s.home.path + "\n"); err != nil {
		t.Fatal(err)
	}
	select {}
}

func TestServerDiesWithItsOwner(t *testing.T) {
	owner := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHoldServer$", "-hold-server")
	owner.Stderr = os.Stderr
	output, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	var folder string
	for lines := bufio.NewScanner(output); pid == 0 && lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) == 4 && words[0] == "server" {
			if pid, err = strconv.Atoi(words[1]); err != nil {
				t.Fatal(err)
			}
			folder = words[3]
		}
	}
	if pid == 0 {
		t.Fatal("the owner started no server")
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	if !running(pid) {
		t.Fatalf("server %d does not run beside its owner", pid)
	}
	if err := owner.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := owner.Wait(); err == nil {
		t.Fatal("the owner ended by itself")
	}
	Eventually(t, func() bool { return !running(pid) }, "the end of the server whose owner was killed")
}

// running reports whether the process lives: a zombie, which some inits of containers leave for ever, does not.
func running(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, afterName, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(afterName, "Z")
}

// The kernel ties the death signal to the thread that forked, and Go ends a thread whenever a goroutine ends that is
// locked to it.
func TestServerOutlivesThreads(t *testing.T) {
	s := Source(t)
	for range 20 {
		var ended sync.WaitGroup
		for range 20 {
			ended.Go(func() { runtime.LockOSThread() })
		}
		ended.Wait()
	}
	if got := query(t, s, "SELECT 1"); got != "1" || !s.Alive() {
		t.Error("the server died with a thread")
	}
}
