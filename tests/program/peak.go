package program

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// peakPoll is how often a process is asked for the most memory it ever had resident: the kernel
// keeps the maximum, so only what grows in the last moments before the end is missed.
const peakPoll = 5 * time.Millisecond

// watchPeak asks until the process has ended. Its resource usage would tell too, but counts what
// the test's own process held when it started this one.
func (s *Service) watchPeak() {
	defer close(s.watched)
	tick := time.NewTicker(peakPoll)
	defer tick.Stop()
	status := fmt.Sprintf("/proc/%d/status", s.PID())
	for {
		s.peak = max(s.peak, peakOf(status))
		select {
		case <-s.ended:
			return
		case <-tick.C:
		}
	}
}

// peakOf reads VmHWM, in bytes; 0 where the system or a process that is ending does not tell.
func peakOf(status string) int64 {
	text, err := os.ReadFile(status)
	if err != nil {
		return 0
	}
	_, rest, found := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(rest)
	if !found || len(fields) < 2 || fields[1] != "kB" {
		return 0
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}
