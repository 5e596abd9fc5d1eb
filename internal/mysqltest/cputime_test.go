package mysqltest

import (
	"testing"
	"time"
)

func TestCPUTime(t *testing.T) {
	if got := usedTime("7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 25 13 14"); got != 1750*time.Millisecond {
		t.Errorf("got %v of a line of /proc, want 1.75 s", got)
	}
	s := Take(t, Options{})
	before := s.CPUTime()
	Exec(t, s, "DO BENCHMARK(20000000, 1 + 1)")
	if after := s.CPUTime(); before <= 0 || after <= before {
		t.Errorf("%v before and %v behind a statement that counts to 20 million", before, after)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if down := s.CPUTime(); down != 0 {
		t.Errorf("a server that is down has used %v", down)
	}
}
