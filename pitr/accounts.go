package pitr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/storage/catalog"
)

// accountMaker makes users and roles as they were at the stop point, by the statements of the backup and then
// those of the log in their order. Whoever is protected stays as the target has them.
type accountMaker struct {
	*finisher
	steps     []director.AccountStep
	protected protected
	// waiting are grants on what is not there yet: views and routines come later.
	waiting []*waitingGrant
	left    map[ddl.AccountName]bool // protected ones that statements named
}

// waitingGrant is a grant on an object that is not there yet, with the names that its accounts have by now;
// one that was dropped has none.
type waitingGrant struct {
	step   director.AccountStep
	called map[ddl.AccountName]ddl.AccountName
	why    error
}

// protected are the accounts that no restore touches: those that every server has, and its own.
type protected map[ddl.AccountName]bool

func protectedOn(f server.Facts) protected {
	own := ddl.AccountName{User: f.CurrentUser, Host: "%"}
	if i := strings.LastIndexByte(f.CurrentUser, '@'); i >= 0 {
		own = ddl.AccountName{User: f.CurrentUser[:i], Host: f.CurrentUser[i+1:]}
	}
	list := protected{own: true}
	for _, user := range []string{"root", "mysql.sys", "mysql.session", "mysql.infoschema"} {
		list[ddl.AccountName{User: user, Host: "localhost"}] = true
	}
	return list
}

// without leaves the protected ones out.
func (p protected) without(list []ddl.AccountName) []ddl.AccountName {
	return slices.DeleteFunc(list, func(n ddl.AccountName) bool { return p[n] })
}

// accountSteps reads what makes the accounts; nothing where they are not restored.
func accountSteps(ctx context.Context, c *catalog.Catalog, m *catalog.Manifest, d *director.Director) ([]director.AccountStep, error) {
	if d.Accounts == nil {
		return nil, nil
	}
	text, err := c.OpenNamedSchemaObject(ctx, m, m.Accounts.SchemaObject())
	if err != nil {
		return nil, err
	}
	return d.AllAccountSteps(string(text))
}

// make carries the statements out. Grants on what is not there yet wait.
func (m *accountMaker) make(ctx context.Context) error {
	for _, n := range m.protected.without(director.AccountsMade(m.steps)) {
		// A run that goes on drops what a killed one may have made.
		note := schema.ObjectName{Kind: catalog.KindUser, Name: schema.Name{Schema: n.User, Name: n.Host}}
		if err := m.progress.Write(ctx, m.own, checkpoint.NewNote(checkpoint.NoteObject, catalog.KindUser+" "+n.String(), note)); err != nil {
			return err
		}
	}
	for _, s := range m.steps {
		m.follow(s.Change)
		err := errWaits
		if !m.behind(m.waiting, s) {
			err = m.carryOut(ctx, s, func(a ddl.AccountRef) (ddl.AccountName, bool) { return a.Name, m.keeps(a) })
		}
		switch {
		case err == nil:
		case errors.Is(err, errWaits), s.Change.Object != schema.Name{} && lacksObject(err):
			w := &waitingGrant{step: s, called: map[ddl.AccountName]ddl.AccountName{}, why: err}
			for _, a := range s.Change.Accounts {
				if m.keeps(a) {
					w.called[a.Name] = a.Name
				}
			}
			m.waiting = append(m.waiting, w)
		default:
			return accountFailed(s, err)
		}
	}
	return nil
}

// errWaits: an earlier statement waits for the same object. One that finds nothing there need not fail (REVOKE IF EXISTS),
// and would come before it.
var errWaits = errors.New("an earlier statement on the same object waits")

// behind tells whether one of those that wait, waits for the object of a statement: what waits for a column, or for a
// grant to revoke, holds up nothing.
func (m *accountMaker) behind(waiting []*waitingGrant, s director.AccountStep) bool {
	return slices.ContainsFunc(waiting, func(w *waitingGrant) bool {
		switch server.ErrorNumber(w.why) {
		case server.ErrNoSuchTable, server.ErrUnknownSchema, errDoesNotExist:
			return m.director.OnOneObject(w.step.Change, s.Change)
		}
		return false
	})
}

// keeps tells whether a statement is carried out for an account.
func (m *accountMaker) keeps(a ddl.AccountRef) bool {
	if !m.protected[a.Name] && !m.protected[a.RenamedTo] {
		return true
	}
	m.left[a.Name] = true
	return false
}

// follow has the grants that wait follow what becomes of their accounts.
func (m *accountMaker) follow(c ddl.AccountChange) {
	for _, a := range c.Accounts {
		for _, w := range m.waiting {
			for name, called := range w.called {
				switch {
				case called != a.Name:
				case c.Act == ddl.RenameAccount:
					w.called[name] = a.RenamedTo
				case c.Act == ddl.DropAccount, c.Act == ddl.RevokeFrom && c.Everything:
					delete(w.called, name)
				}
			}
		}
	}
}

// again carries out the grants that wait, in their order, and tells whether one of them is done.
func (m *accountMaker) again(ctx context.Context) (progress bool, err error) {
	var left []*waitingGrant
	for _, w := range m.waiting {
		if m.behind(left, w.step) {
			left = append(left, w)
			continue
		}
		err := m.carryOut(ctx, w.step, func(a ddl.AccountRef) (ddl.AccountName, bool) {
			called, is := w.called[a.Name]
			return called, is
		})
		switch {
		case err == nil:
			progress = true
		case lacksObject(err):
			w.why = err
			left = append(left, w)
		default:
			return progress, accountFailed(w.step, err)
		}
	}
	m.waiting = left
	return progress, nil
}

// end tells what is left. Grants on tables stay behind on a server when the table goes; no statement makes
// such a grant.
func (m *accountMaker) end(ctx context.Context) error {
	if _, err := m.again(ctx); err != nil {
		return err
	}
	for _, w := range m.waiting {
		if w.step.Change.Act == ddl.RevokeFrom || len(w.called) == 0 {
			continue
		}
		var names []string
		for _, n := range w.called {
			names = append(names, n.String())
		}
		slices.Sort(names)
		m.result.Warnings = append(m.result.Warnings, fmt.Sprintf("privileges of %s on %s are not restored: it is not there at the stop point, or lacks a column",
			strings.Join(names, ", "), w.step.Change.Object))
	}
	for n := range m.left {
		if !strings.HasPrefix(n.User, "mysql.") {
			m.result.Warnings = append(m.result.Warnings, fmt.Sprintf("account %s stays as the target has it: it is the restore's own, or every server's", n))
		}
	}
	return nil
}

func (m *accountMaker) carryOut(ctx context.Context, s director.AccountStep, name func(ddl.AccountRef) (ddl.AccountName, bool)) error {
	text := s.Change.For(name)
	if text == "" {
		return nil
	}
	return carryOut(ctx, m.session, &director.Execution{Text: text, Client: s.Client, Variables: s.Variables})
}

// Errors of grants on what is not there.
const (
	errNoSuchTableGrant   = 1147
	errNoSuchRoutineGrant = 1403
)

// lacksObject tells whether a grant or its revocation failed because of what it is on.
func lacksObject(err error) bool {
	switch server.ErrorNumber(err) {
	case server.ErrNoSuchTable, server.ErrUnknownSchema, server.ErrUnknownColumn, errDoesNotExist, errNoSuchTableGrant, errNoSuchRoutineGrant:
		return true
	}
	return false
}

// errNoPlugin is the number of an authentication plugin that the target does not have.
const errNoPlugin = 1524

// accountFailed is the fault of a statement about accounts. What the server says of a statement that it does
// not understand may quote it, and a quote may be the hash of a password.
func accountFailed(s director.AccountStep, err error) error {
	var names []string
	for _, a := range s.Change.Accounts {
		names = append(names, a.Name.String())
	}
	number, said := server.ErrorNumber(err), server.ErrorText(err)
	switch number {
	case 0:
		said = err.Error() // of the connection
	case server.ErrParse:
		said = "the target does not understand the statement"
	}
	at := "in the backup"
	if !s.Start.IsZero() {
		at = "at " + s.Start.String()
	}
	hint := "give the target's account what it lacks, or leave the users out: --users omit"
	if number == errNoPlugin {
		hint = "install the plugin on the target, or leave the users out: --users omit"
	}
	return fault.New(fault.CodeFailed, fault.KindGrant, hint, "users and privileges of %s, %s: error %d: %s", strings.Join(names, ", "), at, number, said)
}

// dropAccounts drops accounts that a killed run has made; last, for they define objects.
func (r *run) dropAccounts(ctx context.Context) error {
	for _, o := range r.past.Objects {
		if o.Kind != catalog.KindUser {
			continue
		}
		n := ddl.AccountName{User: o.Schema, Host: o.Name.Name}
		if err := r.main.Exec(ctx, "DROP USER IF EXISTS "+n.String()); err != nil {
			return fmt.Errorf("drop user %s of the killed run: %w", n, err)
		}
	}
	return nil
}
