package limit

import (
	"errors"
	"fmt"

	"github.com/tripod-db/tripod/binlog/segment"
)

// Causes for which this version refuses to replay an entry.
var (
	ErrUnprepared = errors.New("it commits an XA transaction that was prepared before the archive begins, or in a hole: which rows it changes nobody can tell")
	ErrNotLogged  = errors.New("the log does not hold what it did")
	ErrFailed     = errors.New("the statement is logged with an error and was carried out in part")
	ErrNumbers    = errors.New("the log does not hold the numbers that it gave to rows without a key")
	ErrText       = errors.New("the statement is in no known character set")
	ErrReplaced   = errors.New("its row images lack columns, and nothing says whether these were left as they were, or set to their defaults by a REPLACE; with binlog_row_image=FULL, on the server and in each session, they lack none")
	ErrRolledBack = errors.New("the entry takes back changes, and from where on cannot be told")
	ErrBare       = errors.New("the row has nothing but defaults, of which the log holds no column; of a statement that writes several (it fails with error 1534) a table without transactions keeps one more than the log holds; with binlog_row_image=FULL, on the server and in each session, all are logged")
	ErrIncident   = errors.New("the server itself has noted that something is missing from its log (an Incident event: a change was too long for its cache, or could not be written), in which tables nobody can tell; a backup that is made behind it serves")
	ErrContext    = errors.New("the log says something of the statement's session that this version does not know, and what stands behind it cannot be read")
	ErrUnknown    = errors.New("this version does not know what the entry is")
)

// Cause returns why this version refuses to replay an entry, nil if it does not.
func Cause(l segment.Limit) error {
	switch l.Kind {
	case segment.LimitUnprepared:
		return ErrUnprepared
	case segment.LimitXA:
		// One that stands for others may stand for any of them.
		if l.EveryTable && (l.Prepare.IsZero() || l.Until != 0) {
			return ErrUnprepared
		}
		return nil
	case segment.LimitStatement:
		if l.Reason != "" {
			return fmt.Errorf("%w: %s", ErrNotLogged, l.Reason)
		}
		return ErrNotLogged
	case segment.LimitFailed:
		return fmt.Errorf("%w: %s", ErrFailed, l.Reason)
	case segment.LimitNumbers:
		return ErrNumbers
	case segment.LimitText:
		return ErrText
	case segment.LimitPartialImage, segment.LimitJSONDiff:
		return nil // earlier versions refused, and noted, them
	case segment.LimitReplaced:
		return ErrReplaced
	case segment.LimitRolledBack:
		return ErrRolledBack
	case segment.LimitBare:
		return ErrBare
	case segment.LimitIncident:
		return ErrIncident
	case segment.LimitContext:
		return fmt.Errorf("%w: %s", ErrContext, l.Reason)
	}
	return fmt.Errorf("%w: %s", ErrUnknown, l.Kind)
}

// Describe says in one line why a range ends at a limit, without anything that a statement holds.
func Describe(l segment.Limit) string {
	cause := Cause(l)
	if cause == nil {
		return ""
	}
	if l.Verb != "" {
		return l.Verb + ": " + cause.Error()
	}
	return cause.Error()
}
