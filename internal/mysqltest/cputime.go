package mysqltest

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of /proc/<pid>/stat: Linux shows a hundredth of a second to every program (USER_HZ).
const clockTick = time.Second / 100

// CPUTime returns what the server's process has used of the processors since it was started; 0 when it is down.
func (s *Server) CPUTime() time.Duration {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(s.PID()) + "/stat")
	if err != nil {
		return 0 // there is no such process
	}
	return usedTime(string(stat))
}

// usedTime reads the 14th and 15th field. The second is the program's name in parentheses, which may hold anything.
func usedTime(stat string) time.Duration {
	var ticks time.Duration
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	for _, field := range fields[min(11, len(fields)):min(13, len(fields))] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0 // no Linux
		}
		ticks += time.Duration(n)
	}
	return ticks * clockTick
}
