package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/tripod-db/tripod/internal/fault"
)

// Fault gives an error of a store its exit code and remedy. ErrNotFound, ErrExists, the end
// of a context, and what is a fault already come back unchanged: the caller knows what they mean.
func Fault(err error) error {
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, ErrNotFound), errors.Is(err, ErrExists):
		return err
	}
	hint := "check that the store can be reached, and that this user may read and write it"
	switch {
	case errors.Is(err, ErrReadOnly):
		hint = "give tripod the right to write there, or name another store with --store"
	case errors.Is(err, ErrFull):
		hint = "make room in the store, then run the command again"
	case errors.Is(err, ErrNoConditionalPut):
		hint = "this store cannot tell two writers apart: use --single-writer and make sure that there is one"
	}
	return fault.New(fault.CodeFailed, fault.KindStore, hint, "%w", err)
}

// Altered is the fault of an object that is not what was written: format and args go on behind
// "object KEY". They need not name the object again.
func Altered(key, format string, args ...any) error {
	return broken("object %s %w", key, fmt.Errorf(format, args...))
}

// Missing is the fault of an object that another one names and that is not there. err, which
// wraps ErrNotFound, is found in it; its text is not: drivers name the object in their own way.
func Missing(key string, err error) error {
	return broken("%w", &missingError{key: key, err: err})
}

func broken(format string, args ...any) error {
	return fault.New(fault.CodeDifference, fault.KindIntegrity,
		"get the object back from a copy of the store, or take a new backup", format, args...)
}

// missingError says once which object is missing.
type missingError struct {
	key string
	err error
}

func (e *missingError) Error() string { return "object " + e.key + " is missing" }
func (e *missingError) Unwrap() error { return e.err }
