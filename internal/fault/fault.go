package fault

import (
	"errors"
	"fmt"
)

// Exit codes of the command line's contract. Scripts rely on them: none ever changes its meaning.
const (
	CodeFailed      = 1   // password, host, grant, unfit source, disk full, newer format, target not empty
	CodeUsage       = 2   // wrong usage
	CodeNotFound    = 10  // no such store, instance or backup
	CodeLeaseHeld   = 11  // another archiver holds the lease
	CodeRange       = 12  // a hole in the archive, or a stop point outside what can be recovered
	CodeDifference  = 13  // verification or replay found a difference; an object is altered or missing
	CodeInterrupted = 130 // SIGINT or SIGTERM
)

// Kind names the class of a failure in JSON output; scripts match on it.
type Kind string

// The kinds that tripod reports.
const (
	KindConnect     Kind = "connect"     // host, port, socket, TLS
	KindPassword    Kind = "password"    // the server refused the account
	KindGrant       Kind = "grant"       // a privilege is missing; the hint is the GRANT
	KindSource      Kind = "source"      // the source is unfit or not the server it was
	KindKeyless     Kind = "keyless"     // a table without a key could not be read exactly
	KindDDL         Kind = "ddl"         // statements kept coming into a window
	KindStatement   Kind = "statement"   // a statement that cannot be made exact
	KindTarget      Kind = "target"      // the target is not empty, lacks an ability, or refused
	KindStore       Kind = "store"       // the store cannot be reached, read or written
	KindNotFound    Kind = "not_found"   // no such store, instance, backup
	KindLease       Kind = "lease"       // somebody else writes this instance's archive
	KindHole        Kind = "hole"        // bytes are missing from the archive
	KindRange       Kind = "range"       // the stop point lies outside what can be recovered
	KindDivergence  Kind = "divergence"  // the target does not hold what the log says it held
	KindIntegrity   Kind = "integrity"   // an object is truncated, altered or missing
	KindVersion     Kind = "version"     // a format newer than this program
	KindUsage       Kind = "usage"       // wrong arguments
	KindTimeout     Kind = "timeout"     // a bounded wait ended
	KindInterrupted Kind = "interrupted" // a signal
	KindInternal    Kind = "internal"    // anything without a kind of its own
)

// Error is a failure with what the operator needs: Code is the exit code, Hint the exact
// remedy (a GRANT, a flag, a setting), Err the cause.
type Error struct {
	Code int
	Kind Kind
	Hint string
	Err  error
}

// Error returns the cause's text; the hint is printed apart by cmd.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes a fault from a message built as by fmt.Errorf (%w wraps).
func New(code int, kind Kind, hint, format string, args ...any) *Error {
	return &Error{Code: code, Kind: kind, Hint: hint, Err: fmt.Errorf(format, args...)}
}

// Of returns the fault inside err; an error without one becomes kind "internal", code 1.
// It returns nil for a nil error.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var f *Error
	if errors.As(err, &f) {
		return &Error{Code: f.Code, Kind: f.Kind, Hint: f.Hint, Err: err}
	}
	return &Error{Code: CodeFailed, Kind: KindInternal, Err: err}
}
