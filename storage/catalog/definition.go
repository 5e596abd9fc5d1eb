package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage"
)

// DefinitionsVersion is the newest format that this program writes and reads.
const DefinitionsVersion = 1

// Definitions are those of the tables that one statement of the log touched, as the source said
// them behind it. A statement without them is one after which nothing is known.
type Definitions struct {
	Version int             `json:"version"`
	Start   binlog.Position `json:"start"` // of the statement's entry
	End     binlog.Position `json:"end"`
	GTID    string          `json:"gtid,omitempty"`
	Verb    string          `json:"verb"`
	Tables  []Definition    `json:"tables"`
	Epoch   uint64          `json:"epoch"` // of the lease; 0 without one
}

// Definition is that of one table.
type Definition struct {
	schema.Name
	// Create is what SHOW CREATE TABLE gave; it holds from the statement's end to Until at least.
	Create string          `json:"create,omitempty"`
	Until  binlog.Position `json:"until,omitzero"`
	// Unknown says, instead of Create, why the definition is not known.
	Unknown string `json:"unknown,omitempty"`
}

// DefinitionsKey is the key of what is known behind the statement whose entry starts at start.
func DefinitionsKey(instance string, start binlog.Position) string {
	return Escape(instance) + "/definitions/" + Escape(string(start.Timeline)) + "/" + Escape(start.File) + "-" + digits(start.Pos) + ".json"
}

// Definitions returns what is known behind a statement; ok is false where nothing was written.
func (c *Catalog) Definitions(ctx context.Context, instance string, start binlog.Position) (d Definitions, ok bool, err error) {
	key := DefinitionsKey(instance, start)
	err = c.read(ctx, key, DefinitionsVersion, &d)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return Definitions{}, false, nil
	case err != nil:
		return Definitions{}, false, err
	case d.Start != start:
		return Definitions{}, false, storage.Altered(key, "is that of a statement at %s", d.Start)
	}
	return d, true, nil
}

// PutDefinitions writes down what is known behind a statement.
func (c *Catalog) PutDefinitions(ctx context.Context, instance string, d Definitions) error {
	if d.Start.IsZero() || d.Start.Timeline == "" {
		return fmt.Errorf("write the definitions of instance %s behind a statement: its place is unknown", instance)
	}
	d.Version = DefinitionsVersion
	return c.write(ctx, DefinitionsKey(instance, d.Start), d)
}
