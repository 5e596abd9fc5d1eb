package ddl

import "strings"

// VersionedEdits lets a server of that flavour and version read of the statement what its own server executed: where the two differ about a
// versioned comment, one that was skipped goes, and one that was executed loses its marks. It has none for a server that is not
// known, and for a text that must not be sent as it was read.
func (s *Statement) VersionedEdits(flavor, version string) []Edit {
	server := parseServerVersion(flavor, version)
	if server.number == 0 || s.Lossy {
		return nil
	}
	var edits []Edit
	unwrapped := false // the comment that is open
	for _, g := range s.lex.gaps {
		code, versioned := s.codeOf(g, server)
		switch text := s.Text[g.start:g.end]; {
		case text == "*/":
			if unwrapped {
				edits = append(edits, Edit{g.start, g.end, " "})
			}
			unwrapped = false
		case !versioned:
		case strings.HasSuffix(text, "*/"): // as a whole: it was skipped
			if code != 0 {
				edits = append(edits, Edit{g.start, g.end, " "})
			}
		case code != g.end:
			edits = append(edits, Edit{g.start, g.end, " "})
			unwrapped = true
		}
	}
	return edits
}

// codeOf tells whether a gap is a versioned comment or the mark that opens one, and where for a server the code in it begins; 0 for
// one that it skips.
func (s *Statement) codeOf(g span, server serverVersion) (code int, versioned bool) {
	i := g.start + len("/*")
	if !strings.HasPrefix(s.Text[g.start:g.end], "/*") || i >= g.end {
		return 0, false
	}
	mariadbOnly := s.Text[i] == 'M' && i+1 < g.end && s.Text[i+1] == '!'
	if mariadbOnly {
		i++
	}
	if s.Text[i] != '!' {
		return 0, false
	}
	l := &lexer{server: server}
	l.text = s.Text
	version, digits := l.commentVersion(i + 1)
	if !server.executes(version, mariadbOnly) {
		return 0, true
	}
	return i + 1 + digits, true
}
