package dumper

import (
	"slices"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// reader turns statements of the log into what the rules want to know of them.
type reader struct {
	facts server.Facts
	users bool // those are backed up too
	// temporaries are those of the source's sessions.
	temporaries *limit.Temporaries
}

// statement reads one; union is called for each table that a MERGE table is made of. It returns false for a statement that changes nothing which is backed up.
func (r reader) statement(q *event.Query, union func(child, merge schema.Name)) (bases.Statement, bool, error) {
	session := ddl.Session{
		Schema: q.Schema, ClientCharset: q.Context.ClientCharset, LowerCaseTableNames: r.facts.LowerCaseTableNames,
		UpdatedSchemas: q.Context.UpdatedSchemas, Unread: q.Context.NamesUnread(), Flavor: r.facts.Flavor, Version: r.facts.Version,
	}
	if q.Context.SQLMode != nil {
		session.SQLMode = *q.Context.SQLMode
	}
	parsed, err := ddl.Parse(q.SQL, session)
	if err != nil {
		return bases.Statement{}, false, err
	}
	r.temporaries.Settle(limit.Source{LowerCaseTableNames: r.facts.LowerCaseTableNames, Flavor: r.facts.Flavor}, q, parsed)
	for _, child := range parsed.Union() {
		union(child, parsed.Tables[0].Name)
	}
	s, relevant := translate(parsed)
	s.DropFailed = parsed.DropFailed(q.ErrorCode)
	if r.users && changesAccounts(parsed) {
		s.Objects, relevant = append(s.Objects, bases.ObjectTouch{Kind: catalog.KindUser, Name: catalog.AccountsName, Role: bases.ObjectAltered}), true
	}
	if parsed.Uncertain && (q.Context.TooManySchemas || q.Context.NamesUnread()) {
		s.EveryTable, relevant = true, true
	}
	if q.Context.Incomplete && relevant {
		unknownContext(&s)
	}
	return s, relevant, nil
}

// unknownContext: what a statement does of whose session not all is known cannot be done again.
func unknownContext(s *bases.Statement) {
	s.Unlogged, s.DefinitionOnly = true, false
	for i := range s.Objects {
		if o := &s.Objects[i]; o.Role == bases.ObjectCreated || o.Role == bases.ObjectAltered {
			o.Role = bases.ObjectUnlogged
		}
	}
}

// translate keeps what the rules need.
func translate(p *ddl.Statement) (bases.Statement, bool) {
	s := bases.Statement{Text: shorten(p.Text), IfNotExists: p.IfNotExists}
	if p.Kind == ddl.Account {
		s.Text = string(p.Verb) // the rest may hold the hash of a password
	}
	switch p.Kind {
	case ddl.TransactionControl, ddl.Account, ddl.None:
		return s, false
	case ddl.Schema:
		return schemaStatement(s, p)
	case ddl.OtherObject:
		s.Objects = objectTouches(p)
		return s, len(s.Objects) > 0
	case ddl.DefinitionOnly:
		// Images may lack columns that have their defaults: in the row window a default counts as rows do.
		s.DefinitionOnly = !p.ChangesDefault
	case ddl.NotInLog:
		s.Unlogged = true
	case ddl.Meaning:
	}
	// The numbers that existing rows get depend on their order, which a table without a key has not.
	s.Unlogged = s.Unlogged || p.AddsAutoIncrement
	s.Hard = true
	s.Unlogged = s.Unlogged || len(p.Union()) > 0 // what is written through it from now on
	for _, t := range p.Tables {
		if t.Role == ddl.Parent && p.Cascades {
			s.Parents = append(s.Parents, t.Name)
		}
		if t.Role == ddl.LikeSource {
			s.Touches = append(s.Touches, bases.Touch{Name: t.Name, Role: bases.LikeSource})
			continue
		}
		role, changes := tableRole(t.Role)
		if !changes {
			continue
		}
		s.Hard = s.Hard && t.Hard
		s.Exchange = s.Exchange || t.Role == ddl.Exchanged
		s.SchemaDefaults = s.SchemaDefaults || t.Role == ddl.Created
		if role != bases.RenamedFrom && role != bases.RenamedTo {
			s.Touches = append(s.Touches, bases.Touch{Name: t.Name, Role: role})
		}
	}
	for _, pair := range p.Renames {
		s.Touches = append(s.Touches, bases.Touch{Name: pair[0], Role: bases.RenamedFrom}, bases.Touch{Name: pair[1], Role: bases.RenamedTo})
	}
	if p.Uncertain {
		s.EveryTableOf, s.Hard = p.UncertainSchemas, false
	}
	s.Hard = s.Hard && len(s.Touches) > 0
	s.LowWindow = !s.Hard && !s.IfNotExists && !s.DefinitionOnly
	return s, len(s.Touches) > 0 || len(s.EveryTableOf) > 0
}

// tableRole returns false for a table that stays as it is.
func tableRole(r ddl.Role) (bases.Role, bool) {
	switch r {
	case ddl.Created:
		return bases.Created, true
	case ddl.Dropped:
		return bases.Dropped, true
	case ddl.RenamedFrom:
		return bases.RenamedFrom, true
	case ddl.RenamedTo:
		return bases.RenamedTo, true
	case ddl.Truncated, ddl.Altered, ddl.Exchanged, ddl.Partitioned, ddl.Written:
		return bases.Changed, true
	case ddl.Member: // its rows may be changed through a MERGE table from now on
		return bases.Changed, true
	case ddl.LikeSource, ddl.SelectedFrom, ddl.Parent, ddl.Maintained, ddl.Temporary:
	}
	return 0, false
}

// changesAccounts tells whether a statement changes users, roles or privileges: with a routine go those on it.
func changesAccounts(p *ddl.Statement) bool {
	return p.Kind == ddl.Account || p.Kind == ddl.OtherObject && p.Verb != ddl.AlterObject &&
		slices.ContainsFunc(p.Objects, func(o ddl.Object) bool { return o.Kind == ddl.Procedure || o.Kind == ddl.Function })
}

func schemaStatement(s bases.Statement, p *ddl.Statement) (bases.Statement, bool) {
	s.Schema, s.Hard = p.Schema, true
	if p.DropsSchema() {
		s.EveryTableOf = []string{p.Schema}
	}
	switch {
	case p.Verb == ddl.DropDatabase:
		s.SchemaVerb = bases.SchemaDropped
	case p.DropsSchema():
		s.SchemaVerb = bases.SchemaReplaced
	case p.Verb == ddl.CreateDatabase:
		s.SchemaVerb = bases.SchemaCreated
	default:
		s.SchemaVerb = bases.SchemaAltered
	}
	return s, p.Schema != ""
}

// objectTouches names the views, routines, triggers and events of a statement; objects of the
// server itself are not backed up.
func objectTouches(p *ddl.Statement) []bases.ObjectTouch {
	var touches []bases.ObjectTouch
	for _, o := range p.Objects {
		kind, ours := objectKind(o.Kind)
		if !ours {
			continue
		}
		role := bases.ObjectAltered
		switch {
		case kind == catalog.KindView && p.Verb != ddl.DropObject && p.HasStar():
			role = bases.ObjectCreatedByStar
		case p.Verb == ddl.CreateObject, p.Verb == ddl.AlterObject && kind == catalog.KindView:
			role = bases.ObjectCreated
		case p.Verb == ddl.DropObject:
			role = bases.ObjectDropped
		case o.RenamedTo != schema.Name{}:
			role = bases.ObjectRenamedFrom
		}
		touches = append(touches, bases.ObjectTouch{Kind: kind, Name: o.Name, Role: role})
		if role == bases.ObjectRenamedFrom {
			touches = append(touches, bases.ObjectTouch{Kind: kind, Name: o.RenamedTo, Role: bases.ObjectRenamedTo})
		}
	}
	return touches
}

func objectKind(k ddl.ObjectKind) (catalog.ObjectKind, bool) {
	switch k {
	case ddl.View:
		return catalog.KindView, true
	case ddl.Procedure:
		return catalog.KindProcedure, true
	case ddl.Function:
		return catalog.KindFunction, true
	case ddl.Trigger:
		return catalog.KindTrigger, true
	case ddl.Event:
		return catalog.KindEvent, true
	case ddl.Package, ddl.PackageBody, ddl.Library, ddl.Server, ddl.Tablespace, ddl.LogfileGroup, ddl.ResourceGroup,
		ddl.SpatialReferenceSystem, ddl.LoadableFunction:
	}
	return "", false
}

// textShown is how much of a statement stands in messages and manifests: a CREATE TABLE has
// hundreds of kilobytes at most, and nobody reads them.
const textShown = 300

func shorten(text string) string {
	text = ddl.Redacted(text)
	if len(text) <= textShown {
		return text
	}
	cut := textShown
	for cut > 0 && text[cut]&0xC0 == 0x80 { // not inside a character
		cut--
	}
	return text[:cut] + " ..."
}
