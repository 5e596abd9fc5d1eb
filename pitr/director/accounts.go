package director

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Accounts holds, in log order, what the log says of users, roles and privileges behind the place at which
// the backup read them: only their state at the stop point is made, in Finish. Its statements are secrets, they
// hold hashes of passwords: no error shows their text.
type Accounts struct {
	window binlog.Window
	Steps  []AccountStep
}

// AccountStep is one statement, of the backup or of the log.
type AccountStep struct {
	Start  binlog.Position // zero for a statement of the backup
	Change ddl.AccountChange
	// Dropped is a routine that the log drops here, and with it all that was granted on it; else zero.
	Dropped ddl.Object

	Text      string
	Client    uint16
	Variables []rewriter.Variable
}

var (
	errInvoker      = errors.New("the statement means whoever sent it, and the log does not say who that was")
	errAccountsRead = errors.New("it lies in the window in which the users were read")
)

func newAccounts(m *catalog.Manifest, w Scope) *Accounts {
	if m.Accounts == nil || w.OmitUsers || w.IsPart() {
		return nil
	}
	return &Accounts{window: m.Accounts.Window}
}

// account takes a statement of kind Account.
func (d *Director) account(start binlog.Position, q *event.Query, st *ddl.Statement) error {
	if d.Accounts == nil {
		return nil
	}
	switch d.Accounts.window.Side(start) {
	case binlog.Skip:
		return nil
	case binlog.Inside:
		return Broken(start, string(st.Verb), errAccountsRead)
	case binlog.After:
	}
	change, err := st.AccountChange()
	switch {
	case q.Context.Incomplete:
		return refusedAccount(start, fmt.Errorf("%s: %w", st.Verb, limit.Unknown(q.Context.UnknownCode)))
	case err != nil:
		return refusedAccount(start, err)
	case q.ErrorCode != 0:
		return refusedAccount(start, fmt.Errorf("%s: %w: error %d", st.Verb, limit.ErrFailed, q.ErrorCode))
	}
	for i := range change.Accounts {
		if a := &change.Accounts[i]; a.Invoker {
			who := q.Context.Invoker
			if who == nil {
				return refusedAccount(start, fmt.Errorf("%s: %w", st.Verb, errInvoker))
			}
			a.Name = ddl.AccountName{User: who.User, Host: who.Host}
		}
	}
	d.Accounts.Steps = append(d.Accounts.Steps, AccountStep{
		Start: start, Change: change, Text: st.Text, Client: q.Context.ClientCharset, Variables: rewriter.ContextOf(q, false, unloggedBy(d.source)),
	})
	return nil
}

func refusedAccount(start binlog.Position, cause error) error {
	return fault.New(fault.CodeRange, fault.KindStatement, fmt.Sprintf("restore without the users: --users omit; or to a point before %s", start),
		"replay at %s: %w", start, cause)
}

// routines takes a statement on routines: what is granted on one goes with it.
func (a *Accounts) routines(start binlog.Position, st *ddl.Statement) {
	if a == nil || st.Verb != ddl.DropObject || a.window.Side(start) == binlog.Skip {
		return
	}
	for _, o := range st.Objects {
		if o.Kind == ddl.Procedure || o.Kind == ddl.Function {
			a.Steps = append(a.Steps, AccountStep{Start: start, Dropped: o})
		}
	}
}

// readAccounts returns the statements of the backup's text.
func (d *Director) readAccounts(text string) ([]AccountStep, error) {
	session := ddl.Session{Flavor: d.source.Flavor, Version: d.source.Version, LowerCaseTableNames: d.source.LowerCaseTableNames}
	var list []AccountStep
	for _, one := range ddl.Statements(text, session) {
		st, err := ddl.Parse([]byte(one), session)
		if err != nil {
			return nil, errors.New("read the users of the backup: a statement is not understood")
		}
		change, err := st.AccountChange()
		if err != nil {
			return nil, fmt.Errorf("read the users of the backup: %w", err)
		}
		list = append(list, AccountStep{
			Change: change, Text: st.Text, Client: rewriter.CollationUTF8MB4, Variables: []rewriter.Variable{{Name: "sql_mode", Value: "''"}},
		})
	}
	return list, nil
}

// AllAccountSteps returns the statements that make the users of the stop point, in their order: those of
// the backup's text, then those of the log up to where the director has come. Grants on routines that are
// dropped later are left out.
func (d *Director) AllAccountSteps(text string) ([]AccountStep, error) {
	list, err := d.readAccounts(text)
	if err != nil {
		return nil, err
	}
	for _, s := range d.Accounts.Steps {
		if s.Dropped == (ddl.Object{}) {
			list = append(list, s)
			continue
		}
		list = slices.DeleteFunc(list, func(earlier AccountStep) bool { return d.isOn(earlier, s.Dropped) })
	}
	return list, nil
}

// isOn tells whether a step grants or revokes something on a routine.
func (d *Director) isOn(s AccountStep, routine ddl.Object) bool {
	key := func(n schema.Name) schema.Name { return ddl.FoldObject(routine.Kind, n, d.source.LowerCaseTableNames) }
	return strings.EqualFold(s.Change.Routine, routine.Kind.String()) && key(s.Change.Object) == key(routine.Name)
}

// OnOneObject tells whether two statements grant or revoke something on one table, view or routine.
func (d *Director) OnOneObject(a, b ddl.AccountChange) bool {
	if a.Object == (schema.Name{}) || a.Routine != b.Routine {
		return false
	}
	fold := d.Fold
	if a.Routine != "" {
		fold = func(n schema.Name) schema.Name { return ddl.FoldObject(ddl.Procedure, n, d.source.LowerCaseTableNames) }
	}
	return fold(a.Object) == fold(b.Object)
}

// AccountsMade returns the accounts that steps make, at the stop point or on the way there.
func AccountsMade(steps []AccountStep) []ddl.AccountName {
	var list []ddl.AccountName
	for _, s := range steps {
		for _, a := range s.Change.Accounts {
			switch s.Change.Act {
			case ddl.CreateAccount:
				list = append(list, a.Name)
			case ddl.RenameAccount:
				list = append(list, a.RenamedTo)
			case ddl.ChangeAccount, ddl.DropAccount, ddl.GrantTo, ddl.RevokeFrom:
			}
		}
	}
	slices.SortFunc(list, func(a, b ddl.AccountName) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(list)
}
