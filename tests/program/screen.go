package program

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Screen is what a terminal shows: text, carriage return, line feed, cursor up and "clear to
// the end", which is all that a program that draws a few lines needs. It keeps the lines that
// have passed over its upper edge.
type Screen struct {
	Width, Height int

	mu     sync.Mutex
	rest   []byte // of a sequence or a character that has not come whole
	lines  [][]rune
	row    int // of the cursor, counted from the first line ever
	column int
	frames []string
	odd    []string // sequences that it does not know
	wraps  int      // lines that went over the right edge
}

// Write takes output of the program.
func (s *Screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, text...)
	for len(s.rest) > 0 {
		n := s.next()
		if n == 0 {
			break
		}
		s.rest = s.rest[n:]
	}
	s.frames = append(s.frames, s.text())
	return len(text), nil
}

// next carries out what stands first in rest and returns its length, 0 where it is not whole.
func (s *Screen) next() int {
	if s.rest[0] == 0x1b {
		return s.sequence()
	}
	if !utf8.FullRune(s.rest) {
		return 0
	}
	r, n := utf8.DecodeRune(s.rest)
	switch r {
	case '\r':
		s.column = 0
	case '\n':
		s.row++
		s.column = 0
	default:
		if s.column == s.Width {
			s.wraps++
			s.row++
			s.column = 0
		}
		line := s.line()
		for len(*line) <= s.column {
			*line = append(*line, ' ')
		}
		(*line)[s.column] = r
		s.column++
	}
	return n
}

// line is the one of the cursor.
func (s *Screen) line() *[]rune {
	for len(s.lines) <= s.row {
		s.lines = append(s.lines, nil)
	}
	return &s.lines[s.row]
}

// sequence carries out an escape sequence.
func (s *Screen) sequence() int {
	end := 2
	for end < len(s.rest) && (s.rest[end] < '@' || s.rest[end] > '~') {
		end++
	}
	if end >= len(s.rest) {
		return 0
	}
	text := string(s.rest[1 : end+1])
	n, err := strconv.Atoi(strings.Trim(text, "[AJ"))
	switch {
	case strings.HasSuffix(text, "A") && err == nil:
		s.row = max(s.row-n, len(s.lines)-s.Height, 0) // the cursor does not leave the screen
	case text == "[J":
		line := s.line()
		*line = (*line)[:min(s.column, len(*line))]
		s.lines = s.lines[:s.row+1]
	default:
		s.odd = append(s.odd, text)
	}
	return end + 1
}

func (s *Screen) text() string {
	var b strings.Builder
	for _, line := range s.lines {
		b.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// Lines are all that was shown and not cleared, from the first line on.
func (s *Screen) Lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Split(s.text(), "\n")
}

// Frames are the screens at each time that something was written.
func (s *Screen) Frames() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.frames...)
}

// Check returns an error where the program has sent what this screen does not know, or lines
// that are longer than it is wide.
func (s *Screen) Check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.odd) > 0 || s.wraps > 0 {
		return fmt.Errorf("%d lines over the right edge, and the sequences %q", s.wraps, s.odd)
	}
	return nil
}
