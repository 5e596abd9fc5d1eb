package target

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

// Computed are the columns and indexes of a table whose values the server makes itself, from what a row holds, and its CHECKs. Where
// their expressions make what they do not take, or do not take what the row holds, a server without STRICT cuts it and
// warns: so did the source, and the target does the same from the same columns.
type Computed struct {
	columns, indexes, others []string
	checks                   bool
}

// ComputedOf are those of a definition.
func ComputedOf(def *schema.Table) Computed {
	c := Computed{checks: def.Checks > 0}
	for i := range def.Columns {
		if o := &def.Columns[i]; o.Generated != schema.NotGenerated {
			c.columns = append(c.columns, o.Name)
		} else {
			c.others = append(c.others, o.Name)
		}
	}
	for i := range def.Keys {
		for _, p := range def.Keys[i].Parts {
			if p.Expression != "" {
				c.indexes = append(c.indexes, def.Keys[i].Name)
				break
			}
		}
	}
	return c
}

// Any tells whether there are some.
func (c *Computed) Any() bool { return len(c.columns)+len(c.indexes) > 0 || c.checks }

// names tells whether a warning in English is about one of them and can be about nothing else: by its end, for texts may
// hold values, which look like anything.
func (c *Computed) names(message string) bool {
	for _, n := range c.columns {
		if message == "Column '"+n+"' cannot be null" {
			return true
		}
	}
	if strings.HasPrefix(message, inExpression) {
		return true
	}
	i := strings.LastIndex(message, " at row ")
	if i < 0 {
		return false
	}
	if _, err := strconv.ParseUint(message[i+len(" at row "):], 10, 64); err != nil {
		return false
	}
	ends := func(names []string, before string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(message[:i], before+" '"+n+"'") })
	}
	return !ends(c.others, " for column") && (ends(c.columns, " for column") || ends(c.indexes, " for functional index"))
}

// inExpression begins the warning that an expression converts a text which is no such value; where a column does not take one, the
// warning names the column. What a restore writes are values, without expressions of its own.
const inExpression = "Truncated incorrect "

// WarningsInEnglish has the session tell warnings as Computed reads them.
const WarningsInEnglish = "SET SESSION lc_messages='en_US'"

// warningsOfRow is how many warnings of one row there is room for.
const warningsOfRow = 8

// keepWarnings: where a server's max_error_count is 0 nobody learns of what a statement warned.
const keepWarnings = "max_error_count=1024"

// KeptWarnings is of how many warnings a session keeps the texts, if the account may have it keep more.
func KeptWarnings(ctx context.Context, s *Session) (int, error) {
	if err := s.Exec(ctx, "SET SESSION "+keepWarnings); err != nil && server.ErrorNumber(err) != server.ErrPrivilegeNeeded {
		return 0, fmt.Errorf("set max_error_count: %w", err)
	}
	return keptWarnings(ctx, s)
}

func keptWarnings(ctx context.Context, s Querier) (int, error) {
	kept, err := OneRow(ctx, s, "SELECT @@max_error_count")
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(kept[0])
	if err != nil {
		return 0, fmt.Errorf("read max_error_count: %w", err)
	}
	return n, nil
}

// LenientRows is how many rows a statement writes at most whose warnings are looked at one by one: a session keeps the texts
// of few, and may not ask for more.
func LenientRows(ctx context.Context, s Querier) (int, error) {
	n, err := keptWarnings(ctx, s)
	if err != nil {
		return 0, err
	}
	return max(1, n/warningsOfRow), nil
}

// warnEngines is about the engines that a session has written to, not about a value; MySQL 9.7 tells it at statements that write to
// one table, too.
const warnEngines = "6414"

// warnUnsafe is about what the target's own log holds of a statement: that in STATEMENT format its replicas may do something else.
const warnUnsafe = "1592"

// Allowed are the warnings that a statement may bring with it.
type Allowed struct {
	Enums []string // columns that may hold an ENUM of index 0, which brings one
	// Zeros is how many of these there are; Uncounted: nobody knows.
	Zeros     uint64
	Uncounted bool
	// Computed, where it is not nil, may be cut.
	Computed *Computed
}

// CheckWarnings fails on any other warning, and unless there are as many as were expected: LOCAL turns errors into warnings
// and goes on with what it made of the value (fact 15.9), and so does every statement without STRICT. The server keeps few texts
// of warnings but counts them all.
func CheckWarnings(ctx context.Context, s Querier, a Allowed) error {
	// SELECT @@warning_count would forget the texts.
	count, err := OneRow(ctx, s, "SHOW COUNT(*) WARNINGS")
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(count[0], 10, 64)
	if err != nil {
		return fmt.Errorf("read the number of warnings: %w", err)
	}
	if n == a.Zeros && !a.Uncounted {
		return nil
	}
	warnings, err := s.QueryRows(ctx, "SHOW WARNINGS")
	if err != nil {
		return err
	}
	var zeros uint64
	for _, w := range warnings {
		switch {
		case w[1] == warnEngines, w[1] == warnUnsafe:
		case w[1] == warnTruncated && namesColumn(w[2], a.Enums):
			zeros++
		case a.Computed == nil || !a.Computed.names(w[2]):
			return fmt.Errorf("%s (%s %s)", w[2], w[0], w[1])
		}
	}
	if uint64(len(warnings)) < n {
		return fmt.Errorf("%d warnings, and the texts of %d", n, len(warnings))
	}
	if zeros != a.Zeros && !a.Uncounted {
		return fmt.Errorf("%d warnings of an ENUM of index 0, %d expected", zeros, a.Zeros)
	}
	return nil
}
