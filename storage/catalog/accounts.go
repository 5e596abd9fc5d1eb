package catalog

import (
	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

// AccountsName is what the users and roles of a server are called together, in keys and messages: they
// are read as one object, since grants tie them to each other. No schema that is backed up has that name.
var AccountsName = schema.Name{Schema: "mysql", Name: "user"}

// Accounts are the users and roles of the source, as one object. Its text holds hashes of passwords: it lies in
// the store, and nowhere else.
type Accounts struct {
	// Names are the accounts as GRANT spells them, `user`@`host`; those that every server has are left out.
	Names []string `json:"names"`
	// Window is around the read of all. No statement about accounts lies in it.
	Window binlog.Window `json:"window"`
	// SchemaKey is the object that holds the statements which make the accounts on an empty server, in
	// their order, SchemaSHA256 the hash of that text.
	SchemaKey    string `json:"schema_key"`
	SchemaSHA256 string `json:"schema_sha256"`
}

// SchemaObject is the object of the accounts' text.
func (a *Accounts) SchemaObject() SchemaObject {
	return SchemaObject{Key: a.SchemaKey, SHA256: a.SchemaSHA256}
}
