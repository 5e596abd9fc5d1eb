package event

import (
	"bytes"
	"fmt"
	"strings"
)

// control is what a Query event says about the transaction it stands in.
type control int

const (
	controlNone control = iota // a statement of its own: DDL, DML
	controlBegin
	controlCommit
	controlRollback
	controlSavepoint
	controlReleaseSavepoint
	controlRollbackTo
	controlXAStart
	controlXAEnd
	controlXACommit
	controlXARollback
)

// controls are the texts that servers write, longer ones before their own beginnings. Those
// with an argument are followed by a blank.
var controls = []struct {
	text     string
	argument bool
	is       control
}{
	{"BEGIN", false, controlBegin},
	{"COMMIT", false, controlCommit},
	{"ROLLBACK", false, controlRollback},
	{"ROLLBACK TO SAVEPOINT", true, controlRollbackTo},
	{"ROLLBACK TO", true, controlRollbackTo},
	{"ROLLBACK WORK TO SAVEPOINT", true, controlRollbackTo},
	{"ROLLBACK WORK TO", true, controlRollbackTo},
	{"SAVEPOINT", true, controlSavepoint},
	{"RELEASE SAVEPOINT", true, controlReleaseSavepoint},
	{"XA START", true, controlXAStart},
	{"XA END", true, controlXAEnd},
	{"XA COMMIT", true, controlXACommit},
	{"XA ROLLBACK", true, controlXARollback},
}

// controlOf classifies a statement and returns its argument. Servers write these statements
// themselves; only ROLLBACK TO may be the user's own text.
func controlOf(sql []byte) (is control, argument []byte) {
	for _, c := range controls {
		if len(sql) < len(c.text) || !strings.EqualFold(string(sql[:len(c.text)]), c.text) {
			continue
		}
		rest := sql[len(c.text):]
		if len(rest) == 0 && !c.argument {
			return c.is, nil
		}
		if c.argument && len(rest) > 0 && isBlank(rest[0]) {
			return c.is, bytes.TrimSpace(rest)
		}
	}
	return controlNone, nil
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// canonicalXID turns the argument of an XA statement, X'gtrid',X'bqual',formatID, into the form
// of XAPrepare.XID.
func canonicalXID(argument []byte) (string, error) {
	text := strings.ToLower(string(argument))
	text = strings.TrimSuffix(text, " one phase")
	parts := strings.Split(strings.ReplaceAll(text, " ", ""), ",")
	if len(parts) != 3 || !strings.HasPrefix(parts[0], "x'") || !strings.HasPrefix(parts[1], "x'") {
		return "", fmt.Errorf("read XA id %q: %w", argument, ErrMalformed)
	}
	return "X" + parts[0][1:] + ",X" + parts[1][1:] + "," + parts[2], nil
}
