package event

// Context is the session context of a statement: the status variables of its Query event
// (fact 8.11). A nil pointer, an empty string or a zero id means "not logged".
type Context struct {
	// Incomplete: a variable of unknown code was met; it and all behind it are not decoded.
	Incomplete  bool
	UnknownCode byte

	Flags2  *uint32 // see the Flags2 constants
	SQLMode *uint64
	Catalog string
	// AutoIncrement and AutoIncrementOffset are logged only when they are not both 1.
	AutoIncrement       *uint16
	AutoIncrementOffset *uint16
	// Collation ids.
	ClientCharset       uint16
	ConnectionCollation uint16
	ServerCollation     uint16
	DatabaseCollation   uint16 // 5.6 to 5.7, LOAD DATA only
	TimeZone            string
	LCTimeNames         *uint16
	TableMapForUpdate   *uint64
	Invoker             *Invoker
	// UpdatedSchemas lists the schemas that the statement changes. TooManySchemas: there are
	// more than are listed (none is).
	UpdatedSchemas               []string
	TooManySchemas               bool
	Micros                       *uint32
	ExplicitDefaultsForTimestamp *bool
	DDLXID                       *uint64
	DefaultCollationForUTF8MB4   uint16
	SQLRequirePrimaryKey         *bool
	DefaultTableEncryption       *bool
}

// NamesUnread tells whether what decides how names are read in the text, sql_mode and the client's character set, may stand behind a
// variable that is not known.
func (x *Context) NamesUnread() bool {
	return x.Incomplete && (x.SQLMode == nil || x.ClientCharset == 0)
}

// Invoker is the account that a definer defaults to.
type Invoker struct {
	User string
	Host string
}

// Bits of Context.Flags2.
const (
	Flags2AutoIsNull          uint32 = 0x00004000
	Flags2NotAutocommit       uint32 = 0x00080000
	Flags2NoForeignKeyChecks  uint32 = 0x04000000
	Flags2RelaxedUniqueChecks uint32 = 0x08000000
)
