package source

import (
	"github.com/tripod-db/tripod/internal/fault"
)

// Level says what a finding means for a backup.
type Level string

// The levels of findings.
const (
	LevelError   Level = "error"   // backup and archive refuse
	LevelWarning Level = "warning" // they go on, something costs more or is less than it seems
	LevelInfo    Level = "info"
)

// Finding is one thing that check says about a source: what it is and costs, and the statement
// or setting that mends it.
type Finding struct {
	ID      string `json:"id"`
	Level   Level  `json:"level"`
	Message string `json:"message"`
	Remedy  string `json:"remedy"`

	kind fault.Kind
}

// Kind is that of the fault for which a backup refuses.
func (f Finding) Kind() fault.Kind {
	if f.kind == "" {
		return fault.KindSource
	}
	return f.kind
}

// Refuse returns the first error among the findings as a fault with exit code 1, nil when there
// is none.
func Refuse(findings []Finding) error {
	for _, f := range findings {
		if f.Level != LevelError {
			continue
		}
		return fault.New(fault.CodeFailed, f.Kind(), f.Remedy, "%s", f.Message)
	}
	return nil
}
