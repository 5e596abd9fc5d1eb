package event

// Codes of status variables (fact 8.11), in the order in which servers write them.
const (
	varFlags2                       = 0
	varSQLMode                      = 1
	varCatalogZero                  = 2 // 5.0.0 to 5.0.3: with a zero byte behind
	varAutoIncrement                = 3
	varCharset                      = 4
	varTimeZone                     = 5
	varCatalog                      = 6
	varLCTimeNames                  = 7
	varCharsetDatabase              = 8
	varTableMapForUpdate            = 9
	varMasterDataWritten            = 10
	varInvoker                      = 11
	varUpdatedSchemas               = 12
	varMicroseconds                 = 13
	varCommitTimestamp              = 14 // never written
	varCommitTimestamp2             = 15 // never written
	varExplicitDefaultsForTimestamp = 16
	varDDLXID                       = 17
	varDefaultCollationForUTF8MB4   = 18
	varSQLRequirePrimaryKey         = 19
	varDefaultTableEncryption       = 20
	varUnnamed21                    = 21 // one byte, 9.7, statement-format DML
	varMariaDBMicroseconds          = 128
	varMariaDBXID                   = 129
	varMariaDBGTIDFlags             = 130
)

// tooManySchemas stands for the number of updated schemas where there are more than 16.
const tooManySchemas = 254

// read decodes the variables that c holds. A code that is not known ends it: the length of what
// follows is not known either.
func (x *Context) read(c *cursor) {
	for c.err == nil && c.left() > 0 {
		code := c.u8("status variable code")
		if x.readSession(c, code) || x.readStatement(c, code) {
			continue
		}
		x.Incomplete, x.UnknownCode = true, code
		return
	}
}

// readSession reads a variable that describes the session; it returns false for others.
func (x *Context) readSession(c *cursor, code byte) bool {
	switch code {
	case varFlags2:
		x.Flags2 = ptr(c.u32("flags2"))
	case varSQLMode:
		x.SQLMode = ptr(c.u64("sql_mode"))
	case varCatalogZero:
		x.Catalog = string(c.take(uint64(c.u8("catalog length")), "catalog"))
		c.u8("end of catalog")
	case varAutoIncrement:
		x.AutoIncrement = ptr(c.u16("auto_increment_increment"))
		x.AutoIncrementOffset = ptr(c.u16("auto_increment_offset"))
	case varCharset:
		x.ClientCharset = c.u16("character_set_client")
		x.ConnectionCollation = c.u16("collation_connection")
		x.ServerCollation = c.u16("collation_server")
	case varTimeZone:
		x.TimeZone = string(c.take(uint64(c.u8("time_zone length")), "time_zone"))
	case varCatalog:
		x.Catalog = string(c.take(uint64(c.u8("catalog length")), "catalog"))
	case varLCTimeNames:
		x.LCTimeNames = ptr(c.u16("lc_time_names"))
	case varCharsetDatabase:
		x.DatabaseCollation = c.u16("collation_database")
	case varExplicitDefaultsForTimestamp:
		x.ExplicitDefaultsForTimestamp = ptr(c.u8("explicit_defaults_for_timestamp") != 0)
	case varDefaultCollationForUTF8MB4:
		x.DefaultCollationForUTF8MB4 = c.u16("default_collation_for_utf8mb4")
	case varSQLRequirePrimaryKey:
		x.SQLRequirePrimaryKey = ptr(c.u8("sql_require_primary_key") != 0)
	case varDefaultTableEncryption:
		x.DefaultTableEncryption = ptr(c.u8("default_table_encryption") != 0)
	default:
		return false
	}
	return true
}

// readStatement reads a variable that belongs to the statement; it returns false for others.
func (x *Context) readStatement(c *cursor, code byte) bool {
	switch code {
	case varTableMapForUpdate:
		x.TableMapForUpdate = ptr(c.u64("table map for update"))
	case varMasterDataWritten:
		c.u32("master data written")
	case varInvoker:
		user := c.take(uint64(c.u8("length of user")), "user")
		host := c.take(uint64(c.u8("length of host")), "host")
		x.Invoker = &Invoker{User: string(user), Host: string(host)}
	case varUpdatedSchemas:
		x.readUpdatedSchemas(c)
	case varMicroseconds, varMariaDBMicroseconds:
		x.Micros = ptr(uint32(c.uint(3, "microseconds")))
	case varCommitTimestamp, varCommitTimestamp2:
	case varDDLXID, varMariaDBXID:
		x.DDLXID = ptr(c.u64("transaction number of DDL"))
	case varMariaDBGTIDFlags:
		// What the GTID event says too (MariaDBGTID.Extra).
		if flags := c.u8("flags of the GTID"); flags&(MariaDBCommitAlter|MariaDBRollbackAlter) != 0 {
			c.u64("sequence number of the beginning")
		}
	case varUnnamed21:
		c.u8("status variable 21")
	default:
		return false
	}
	return true
}

func (x *Context) readUpdatedSchemas(c *cursor) {
	n := c.u8("number of updated schemas")
	if n == tooManySchemas {
		x.TooManySchemas = true
		return
	}
	for range n {
		name := c.zeroTerminated("updated schema")
		if c.err != nil {
			return
		}
		x.UpdatedSchemas = append(x.UpdatedSchemas, string(name))
	}
}

// zeroTerminated reads bytes up to a zero byte, which is taken too.
func (c *cursor) zeroTerminated(what string) []byte {
	for i := c.pos; i < len(c.body); i++ {
		if c.body[i] == 0 {
			b := c.take(uint64(i-c.pos), what)
			c.u8(what)
			return b
		}
	}
	c.fail("%s does not end", what)
	return nil
}

func ptr[T any](v T) *T { return &v }
