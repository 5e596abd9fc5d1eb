package hold

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"
)

// statement is one entry of the slow log with log_slow_extra=ON.
type statement struct {
	user       string
	thread     string
	start, end time.Time
	text       string
}

func (s statement) took() time.Duration { return s.end.Sub(s.start) }

// verb is the first word, in upper case.
func (s statement) verb() string {
	text := s.text
	for strings.HasPrefix(text, "/*") {
		_, after, found := strings.Cut(text, "*/")
		if !found {
			break
		}
		text = strings.TrimSpace(after)
	}
	end := strings.IndexFunc(text, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') })
	if end < 0 {
		end = len(text)
	}
	return strings.ToUpper(text[:end])
}

var (
	userLine  = regexp.MustCompile(`^# User@Host: ([^\[]*)\[.*\] @ .* Id:\s*(\d+)`)
	timesLine = regexp.MustCompile(`^# Query_time: .* Start: (\S+) End: (\S+)`)
)

// slowLog calls each for every entry of a slow log, in the log's order. Entries of commands
// that are no statements, such as the binlog's stream, are left out.
func slowLog(in io.Reader, each func(statement)) error {
	reader := bufio.NewReaderSize(in, 1<<20)
	var current *statement
	emit := func() {
		if current != nil && !current.start.IsZero() && current.text != "" {
			current.text = strings.TrimSuffix(strings.TrimSpace(current.text), ";")
			each(*current)
		}
		current = nil
	}
	for {
		line, err := reader.ReadString('\n')
		if line != "" {
			if bad := slowLine(&current, emit, strings.TrimSuffix(line, "\n")); bad != nil {
				return bad
			}
		}
		if errors.Is(err, io.EOF) {
			emit()
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the slow log: %w", err)
		}
	}
}

func slowLine(current **statement, emit func(), line string) error {
	if strings.HasPrefix(line, "# Time: ") {
		emit()
		return nil
	}
	if m := userLine.FindStringSubmatch(line); m != nil {
		emit()
		*current = &statement{user: m[1], thread: m[2]}
		return nil
	}
	s := *current
	if s == nil {
		return nil // the head that the server writes when it opens the file
	}
	if m := timesLine.FindStringSubmatch(line); m != nil {
		var startErr, endErr error
		s.start, startErr = time.Parse(time.RFC3339Nano, m[1])
		s.end, endErr = time.Parse(time.RFC3339Nano, m[2])
		if err := errors.Join(startErr, endErr); err != nil {
			return fmt.Errorf("read the slow log: %w", err)
		}
		return nil
	}
	switch {
	case s.start.IsZero(), s.text == "" && (strings.HasPrefix(line, "SET timestamp=") || strings.HasPrefix(line, "use ")):
	case s.text == "" && strings.HasPrefix(line, "# administrator command"):
		*current = nil
	case s.text == "":
		s.text = line
	default:
		s.text += "\n" + line
	}
	return nil
}

// readSlowLog is slowLog of a file.
func readSlowLog(path string, each func(statement)) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the slow log: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	return slowLog(file, each)
}

var (
	generalLine = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\S+\s+(\d+) (\w[\w ]*)\t(.*)$`)
	lockingText = regexp.MustCompile(`(?i)(?:^|;)\s*(?:/\*.*?\*/\s*)*(?:FLUSH|LOCK)\b[^;]*`)
)

// lockStatements returns the FLUSH and LOCK statements of a user in the general log, and how
// many of the user's lines there are.
func lockStatements(in io.Reader, user string) (found []string, lines int, err error) {
	reader := bufio.NewReaderSize(in, 1<<20)
	threads := map[string]bool{}
	ours := false
	for {
		line, err := reader.ReadString('\n')
		text := strings.TrimSuffix(line, "\n")
		if m := generalLine.FindStringSubmatch(text); m != nil {
			thread, command := m[1], m[2]
			if command == "Connect" {
				threads[thread] = strings.HasPrefix(m[3], user+"@")
			}
			ours = threads[thread]
			text = m[3]
			if ours {
				lines++
			}
		}
		if ours {
			found = append(found, lockingText.FindAllString(text, -1)...)
		}
		if errors.Is(err, io.EOF) {
			return found, lines, nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("read the general log: %w", err)
		}
	}
}
