package ddl

import "github.com/tripod-db/tripod/internal/schema"

// Session is the context of a logged statement that decides how its text is read.
type Session struct {
	// Schema is the default schema of the event, UTF-8; empty if there was none.
	Schema string
	// SQLMode is the event's sql_mode (fact 8.11, status variable 1): ANSI_QUOTES and
	// NO_BACKSLASH_ESCAPES decide what a quote is.
	SQLMode uint64
	// ClientCharset is the collation id of character_set_client (status variable 4): the text
	// is in that character set (fact 14.1). 0: the text is UTF-8.
	ClientCharset uint16
	// LowerCaseTableNames is the source's lower_case_table_names. With 1 names are reported
	// in lower case, as that server stores them.
	LowerCaseTableNames int
	// UpdatedSchemas is the event's list of schemas it changed (status variable 12).
	UpdatedSchemas []string
	// TooManySchemas tells that there are more of them than the event lists.
	TooManySchemas bool
	// Unread tells that SQLMode or ClientCharset is not known: the text may name any table.
	Unread bool
	// Flavor is "mysql" or "mariadb"; empty counts as mysql.
	Flavor string
	// Version is the server's version text, "9.7.4" or "10.11.19-MariaDB-log"; it decides which
	// versioned comments were executed. Empty: all of them were.
	Version string
}

// Kind says what a statement means to a table that is being read, and to a replay.
type Kind int

// The kinds (the table of DESIGN section 5).
const (
	// Meaning can change rows, columns, or which rows may exist together.
	Meaning Kind = iota
	// DefinitionOnly changes the text of the definition and nothing else.
	DefinitionOnly
	// None changes nothing that is backed up.
	None
	// Schema is CREATE, ALTER and DROP DATABASE.
	Schema
	// OtherObject is a view, routine, trigger, event or an object of the server (Object.Kind).
	OtherObject
	// NotInLog means that the log does not hold the result: statement-format DML, IMPORT
	// TABLESPACE, defaults that are no function of the table.
	NotInLog
	// TransactionControl is BEGIN, COMMIT, ROLLBACK, SAVEPOINT, XA.
	TransactionControl
	// Account is users, roles and privileges: replayed only where the backup holds users. See AccountChange.
	Account
)

// String returns the kind's name as DESIGN writes it.
func (k Kind) String() string {
	names := [...]string{"meaning", "definition only", "none", "schema", "other object", "not in the log", "transaction control", "account"}
	if k < 0 || int(k) >= len(names) {
		return "unknown kind"
	}
	return names[k]
}

// Role says what a statement does to a table that it names.
type Role int

// The roles. A table has several when a statement names it more than once.
const (
	Created      Role = iota // the name that CREATE TABLE brings into being
	Dropped                  // a name of a DROP TABLE list
	Truncated                // TRUNCATE, and the server's emptying of a MEMORY table
	Altered                  // ALTER TABLE, CREATE INDEX, DROP INDEX, DISCARD or IMPORT TABLESPACE
	RenamedFrom              // the name that a RENAME takes away
	RenamedTo                // the name that a RENAME brings in
	LikeSource               // the table whose definition CREATE TABLE .. LIKE copies
	Exchanged                // either side of EXCHANGE PARTITION; the partitioned table comes first
	Partitioned              // ADD, DROP, TRUNCATE, COALESCE, REORGANIZE PARTITION, PARTITION BY
	Written                  // the target of DML in statement format
	SelectedFrom             // a table that is only read
	Parent                   // the referenced table of a foreign key
	Maintained               // ANALYZE, OPTIMIZE, CHECK, REPAIR, FLUSH, LOCK: nothing changes
	Member                   // a table in the UNION=() list of a MERGE table
	Temporary                // a temporary table of that name: never the base table (fact 8.4)
)

// String returns the role in words for messages.
func (r Role) String() string {
	names := [...]string{"created", "dropped", "truncated", "altered", "renamed from", "renamed to", "like source",
		"exchanged", "partitioned", "written", "selected from", "parent", "maintained", "member", "temporary"}
	if r < 0 || int(r) >= len(names) {
		return "unknown role"
	}
	return names[r]
}

// Changes tells whether a table in this role is another one, or has other contents or another
// definition, after the statement. LIKE's source, a parent and a table that is only read stay
// as they are; they still need a fence (R9).
func (r Role) Changes() bool {
	switch r {
	case LikeSource, SelectedFrom, Parent, Maintained, Member, Temporary:
		return false
	default:
		return true
	}
}

// TableRef is one place of a statement that names a table.
type TableRef struct {
	Name schema.Name // resolved against the default schema
	Role Role
	// Hard tells that the statement held this name's exclusive metadata lock for certain
	// (DESIGN section 3): logged at or before a mark, it is in what is read after the mark.
	Hard bool
	// Start and End delimit the name in Statement.Text, qualifier included.
	Start, End int
}

// ObjectKind names what kind of other object a statement is about.
type ObjectKind int

// The object kinds. From Server on they are no part of a schema.
const (
	View ObjectKind = iota
	Procedure
	Function
	Trigger
	Event
	Package
	PackageBody
	Library
	Server
	Tablespace
	LogfileGroup
	ResourceGroup
	SpatialReferenceSystem
	LoadableFunction
)

// String returns the kind in lower case, as the store's keys spell it where they do.
func (k ObjectKind) String() string {
	names := [...]string{"view", "procedure", "function", "trigger", "event", "package", "package body", "library",
		"server", "tablespace", "logfile group", "resource group", "spatial reference system", "loadable function"}
	if k < 0 || int(k) >= len(names) {
		return "unknown object"
	}
	return names[k]
}

// Object is a view, routine, trigger, event or object of the server that a statement names.
type Object struct {
	Kind ObjectKind
	Name schema.Name // Schema is empty for objects of the server
	// Table is a trigger's table. DROP TRIGGER does not name it (fact 15.13): zero there.
	Table schema.Name
	// RenamedTo is the new name in ALTER EVENT .. RENAME TO; zero otherwise.
	RenamedTo schema.Name
	// Start and End delimit the name in Statement.Text, TableStart and TableEnd the trigger's
	// table, RenamedStart and RenamedEnd the new name.
	Start, End               int
	TableStart, TableEnd     int
	RenamedStart, RenamedEnd int
}

// Statement is what the text of one Query event says.
type Statement struct {
	// Text is the statement in UTF-8. All offsets point into it.
	Text string
	Verb Verb
	Kind Kind
	// Hard tells that at least one of Tables is Hard; where DropsSchema, that all names of
	// the schema are.
	Hard bool

	IfExists    bool
	IfNotExists bool
	OrReplace   bool

	Tables []TableRef
	// Renames are the pairs of RENAME TABLE and of ALTER TABLE .. RENAME, left to right. With
	// IfExists (MariaDB) a pair whose source was not there did nothing.
	Renames [][2]schema.Name
	// Schema is the name in CREATE, ALTER and DROP DATABASE.
	Schema string
	// Database is what CREATE and ALTER DATABASE give it.
	Database DatabaseOptions
	// Objects are the other objects named: several for DROP VIEW a, b.
	Objects []Object

	// Uncertain tells that the statement may touch tables it does not name: every table of
	// UncertainSchemas counts as touched, in role Altered, not hard.
	Uncertain        bool
	UncertainSchemas []string
	// EverySchema tells that the event changed more schemas than it lists, or may have: an Uncertain
	// statement then counts as touching every table of the server.
	EverySchema bool

	// OnlyByTriggers tells that the statement is Uncertain for no other reason than that
	// triggers of the Written tables may have written elsewhere.
	OnlyByTriggers bool
	// Lossy tells that bytes of the text are no characters of the client's character set: Text
	// names the right tables, but must not be sent to a server.
	Lossy bool

	// StartTransaction tells of the suffix that CREATE TABLE .. SELECT gets in the log (fact 8.1).
	StartTransaction bool
	// GeneratedByServer tells of the comment of that name (facts 8.4, 8.5, 8.10).
	GeneratedByServer bool
	// ChangesDefault tells that a column default is changed, which is meaning for a table of
	// class partial image (DESIGN section 5).
	ChangesDefault bool
	// AddsAutoIncrement tells that ALTER TABLE numbers existing rows: not in the log if the
	// table had no identity (schema.Table.Identity).
	AddsAutoIncrement bool
	// Cascades tells that a foreign key with CASCADE, SET NULL or SET DEFAULT is defined.
	Cascades bool
	// Reason says, for kind NotInLog and for Uncertain, what could not be settled.
	Reason string

	definer span
	// schemaAt is where CREATE, ALTER or DROP DATABASE names the schema; empty, but not zero,
	// behind the keyword where ALTER DATABASE names none.
	schemaAt span
	session  Session
	lex      *lexed
}

// Verb is the statement's first words in their usual form.
type Verb string

// The verbs that callers branch on. Other statements carry their first words in capitals.
const (
	CreateTable    Verb = "CREATE TABLE"
	AlterTable     Verb = "ALTER TABLE"
	DropTable      Verb = "DROP TABLE"
	RenameTable    Verb = "RENAME TABLE"
	TruncateTable  Verb = "TRUNCATE TABLE"
	CreateIndex    Verb = "CREATE INDEX"
	DropIndex      Verb = "DROP INDEX"
	CreateDatabase Verb = "CREATE DATABASE"
	AlterDatabase  Verb = "ALTER DATABASE"
	DropDatabase   Verb = "DROP DATABASE"
	CreateObject   Verb = "CREATE OBJECT" // Objects says which
	AlterObject    Verb = "ALTER OBJECT"
	DropObject     Verb = "DROP OBJECT"

	CreateTemporaryTable Verb = "CREATE TEMPORARY TABLE"
	DropTemporaryTable   Verb = "DROP TEMPORARY TABLE"
)

// DropsSchema tells of DROP DATABASE, and of CREATE OR REPLACE DATABASE (MariaDB), which is that and then a CREATE DATABASE.
func (s *Statement) DropsSchema() bool {
	return s.Verb == DropDatabase || s.Verb == CreateDatabase && s.OrReplace
}

// Union returns the tables of the UNION=() list of a MERGE table that the statement makes or alters.
func (s *Statement) Union() []schema.Name {
	var list []schema.Name
	for _, t := range s.Tables {
		if t.Role == Member {
			list = append(list, t.Name)
		}
	}
	return list
}

// errUnknownTable is what a DROP is logged with that names tables which were not there.
const errUnknownTable = 1051

// DropFailed tells whether a DROP TABLE was logged with an error that says more than that some of its tables were not there: a MySQL
// before 8.0 names those that a foreign key kept (1217) with those that it dropped.
func (s *Statement) DropFailed(errorCode uint16) bool {
	return s.Verb == DropTable && errorCode != 0 && errorCode != errUnknownTable
}
