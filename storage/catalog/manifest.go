package catalog

import (
	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

// ManifestVersion is the newest manifest format that this program writes and reads.
const ManifestVersion = 1

// Manifest says all that a restore needs to know about a backup. It is written last: a backup
// without one does not exist (promise 4).
type Manifest struct {
	Version  int    `json:"version"`
	ID       string `json:"id"`
	Instance string `json:"instance"`
	Program  string `json:"program"` // tripod's version

	Source SourceFacts `json:"source"`

	Started  binlog.Time `json:"started"`  // this machine's clock, for people
	Finished binlog.Time `json:"finished"` // likewise

	// Floor is the low of the first tick: replay begins there (DESIGN section 3).
	Floor binlog.Point `json:"floor"`
	// RecoverableFrom is the first stop point that this backup serves as a whole (R11).
	RecoverableFrom binlog.Point `json:"recoverable_from"`
	// End is the highest high: W4 says that floor..End is in the archive.
	End binlog.Point `json:"end"`

	Compression string `json:"compression"` // zstd, gzip, none
	// Selection holds the globs of --databases, --tables, --exclude; empty for a whole instance.
	Selection Selection `json:"selection"`

	Names   []NameBase   `json:"names"`
	Schemas []SchemaBase `json:"schemas"`
	Objects []Object     `json:"objects"`
	// Accounts are the users and roles, of a backup that was asked for them.
	Accounts *Accounts `json:"accounts,omitempty"`

	OpenXA      []OpenXA      `json:"open_xa,omitempty"`
	NotBackedUp []NotBackedUp `json:"not_backed_up,omitempty"`
	Warnings    []string      `json:"warnings,omitempty"`
}

// Whole tells whether the backup holds all of the instance.
func (m *Manifest) Whole() bool {
	s := m.Selection
	return len(s.Databases)+len(s.Tables)+len(s.Exclude)+len(m.NotBackedUp) == 0
}

// SourceFacts describes the source server as it was during the backup.
type SourceFacts struct {
	ServerUUID          string `json:"server_uuid"`
	Version             string `json:"version"` // @@version
	Flavor              string `json:"flavor"`  // mysql, mariadb
	GTIDMode            bool   `json:"gtid_mode"`
	LowerCaseTableNames int    `json:"lower_case_table_names"`
	// Defaults that CREATE TABLE text may lean on.
	CharacterSetServer string `json:"character_set_server"`
	CollationServer    string `json:"collation_server"`
	// ExplicitTimestamps is explicit_defaults_for_timestamp, which servers before 5.7 do not log with
	// their statements.
	ExplicitTimestamps bool `json:"explicit_defaults_for_timestamp,omitempty"`
	// PartialRevokes is partial_revokes: whether _ and % in the schema of a privilege mean themselves.
	PartialRevokes bool `json:"partial_revokes,omitempty"`
}

// Selection is the wish a partial backup was made by, as given.
type Selection struct {
	Databases []string `json:"databases,omitempty"`
	Tables    []string `json:"tables,omitempty"`
	Exclude   []string `json:"exclude,omitempty"`
}

// BaseKind is what a name's state at the start of replay rests on (R1).
type BaseKind string

// The bases of R1.
const (
	BaseRead      BaseKind = "read"
	BaseTombstone BaseKind = "tombstone"
	BaseFloor     BaseKind = "floor"
	BaseOutside   BaseKind = "outside"
)

// NameBase is the base of one table name.
type NameBase struct {
	schema.Name
	Base  BaseKind `json:"base"`
	Class string   `json:"class,omitempty"` // schema.Class
	// Keyless: the definition has no key by which a row can be told from every other.
	Keyless bool `json:"keyless,omitempty"`
	// PartialImages: an image in its row window lacks columns, and it has such a key. Class says so of
	// those alone that would be keyed else.
	PartialImages bool `json:"partial_images,omitempty"`
	// Absent: base "read" found no table of this name.
	Absent bool `json:"absent,omitempty"`

	// Statements is (D0, D1], Definition (d0, d1], Rows (L, H] of DESIGN section 3; base read.
	Statements binlog.Window `json:"ddl,omitzero"`
	Definition binlog.Window `json:"definition,omitzero"`
	Rows       binlog.Window `json:"rows,omitzero"`

	// Tombstone: absent right behind this statement, which starts at At and ends at AtEnd.
	// Inside: the statement is a RENAME that takes the name away and brings another one in.
	At        binlog.Position `json:"at,omitzero"`
	AtEnd     binlog.Position `json:"at_end,omitzero"`
	Inside    bool            `json:"inside,omitempty"`
	Statement string          `json:"statement,omitempty"`

	RecoverableFrom binlog.Position `json:"recoverable_from,omitzero"`

	Columns []string `json:"columns,omitempty"` // of the chunks, in their order
	Load    string   `json:"load,omitempty"`    // the exact LOAD DATA statement (fact 15.7)
	// SchemaKey is the object that holds SHOW CREATE TABLE, SchemaSHA256 the hash of that text;
	// backups of earlier versions lack the hash.
	SchemaKey    string  `json:"schema_key,omitempty"`
	SchemaSHA256 string  `json:"schema_sha256,omitempty"`
	RowCount     uint64  `json:"row_count"`
	Bytes        uint64  `json:"bytes"` // of chunk text, uncompressed
	Chunks       []Chunk `json:"chunks,omitempty"`

	ReadAgain []ReadAgain `json:"read_again,omitempty"`
}

// Chunk is one key range of one table, stored as one object.
type Chunk struct {
	Key          string `json:"key"`  // object key, below the backup's folder
	Rows         uint64 `json:"rows"` //
	Bytes        uint64 `json:"bytes"`
	BytesStored  uint64 `json:"bytes_stored"`
	StoredSHA256 string `json:"stored_sha256"` // of what is stored
	TextSHA256   string `json:"text_sha256"`   // of the plain text
	// After and UpTo are the key bounds, SQL literals in key order; empty for none.
	After []string `json:"after,omitempty"`
	UpTo  []string `json:"up_to,omitempty"`
	// T0 and T1 are the window of this chunk alone: low of the tick before, high of the tick after.
	T0 binlog.Position `json:"t0"`
	T1 binlog.Position `json:"t1"`
	// ZeroEnum: holds an ENUM of index 0, which STRICT refuses.
	ZeroEnum bool `json:"zero_enum,omitempty"`
}

// ReadAgain tells why a table was read once more.
type ReadAgain struct {
	Reason    string          `json:"reason"`
	Statement string          `json:"statement,omitempty"`
	Position  binlog.Position `json:"position,omitzero"`
}

// SchemaBase is one schema (database) with its window: from the high of the tick before SHOW
// CREATE DATABASE, where that waits for statements on the schema as a table's definition does
// (else from its low), to the high of the tick after it.
type SchemaBase struct {
	Name      string `json:"name"`
	Exists    bool   `json:"exists"`
	Charset   string `json:"charset,omitempty"`
	Collation string `json:"collation,omitempty"`
	Create    string `json:"create,omitempty"` // SHOW CREATE DATABASE
	// SchemaKey is the object that holds Create; backups of earlier versions lack it: DefinitionKey.
	SchemaKey string        `json:"schema_key,omitempty"`
	Window    binlog.Window `json:"window"`
	// RecoverableFrom is R11 for the names of this schema that the manifest does not list: before
	// it DROP DATABASE may have taken away tables that nobody knows by name. Floor if unknown.
	RecoverableFrom binlog.Position `json:"recoverable_from,omitzero"`
}

// DefinitionKey is the key, below the backup's folder, of the object that holds the schema's definition.
func (s SchemaBase) DefinitionKey() string {
	if s.SchemaKey != "" {
		return s.SchemaKey
	}
	return SchemaKey(KindDatabase, schema.Name{Schema: s.Name, Name: s.Name})
}

// SchemaObject is the object of a definition, as a manifest names it.
type SchemaObject struct {
	Key    string // below the backup's folder
	SHA256 string // of the text; empty where a manifest of an earlier version does not say
}

// SchemaObject is the object of the table's definition; without a key for a name that has none.
func (b *NameBase) SchemaObject() SchemaObject {
	return SchemaObject{Key: b.SchemaKey, SHA256: b.SchemaSHA256}
}

// SchemaObjects returns the objects of all definitions that the manifest names.
func (m *Manifest) SchemaObjects() []SchemaObject {
	var list []SchemaObject
	for i := range m.Names {
		if o := m.Names[i].SchemaObject(); o.Key != "" {
			list = append(list, o)
		}
	}
	for _, s := range m.Schemas {
		if s.Exists {
			list = append(list, SchemaObject{Key: s.DefinitionKey(), SHA256: TextSHA256(s.Create)})
		}
	}
	for _, o := range m.Objects {
		if o.SchemaKey != "" && !o.Absent {
			list = append(list, SchemaObject{Key: o.SchemaKey, SHA256: TextSHA256(o.Create)})
		}
	}
	if m.Accounts != nil {
		list = append(list, m.Accounts.SchemaObject())
	}
	return list
}

// ObjectKind is a kind of schema object that is not a table.
type ObjectKind string

// Kinds of objects; they are also the <kind> of schema keys.
const (
	KindView      ObjectKind = "view"
	KindProcedure ObjectKind = "procedure"
	KindFunction  ObjectKind = "function"
	KindTrigger   ObjectKind = "trigger"
	KindEvent     ObjectKind = "event"
)

// Object is a view, routine, trigger or event as it was read, with its session context.
type Object struct {
	schema.Name
	Kind  ObjectKind `json:"kind"`
	Table string     `json:"table,omitempty"` // of a trigger, same schema
	// Create is the text of SHOW CREATE, UTF-8; Absent when the read found none.
	Create string `json:"create,omitempty"`
	Absent bool   `json:"absent,omitempty"`
	// Session context the text needs.
	SQLMode             string `json:"sql_mode,omitempty"`
	CharacterSetClient  string `json:"character_set_client,omitempty"`
	CollationConnection string `json:"collation_connection,omitempty"`
	DatabaseCollation   string `json:"database_collation,omitempty"`
	TimeZone            string `json:"time_zone,omitempty"` // of an event
	// ActionOrder of a trigger among those of its table, time and event.
	ActionOrder int `json:"action_order,omitempty"`
	// Window is like SchemaBase's, around the object's SHOW CREATE. In it the log wins by name.
	Window    binlog.Window `json:"window"`
	SchemaKey string        `json:"schema_key,omitempty"`
	// Invalid: a view that the source itself could not open (its error text).
	Invalid string `json:"invalid,omitempty"`
}

// OpenXA is an XA transaction that was prepared at floor.
type OpenXA struct {
	XID     string          `json:"xid"`
	Prepare binlog.Position `json:"prepare"`
}

// NotBackedUp names what is missing from this backup and why.
type NotBackedUp struct {
	schema.Name
	Reason string `json:"reason"`
}
