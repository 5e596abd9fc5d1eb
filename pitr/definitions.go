package pitr

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/storage/catalog"
)

// definitions are those of the tables of a backup, each read once.
type definitions struct {
	catalog  *catalog.Catalog
	manifest *catalog.Manifest
	bases    map[schema.Name]*catalog.NameBase
	known    map[schema.Name]*schema.Table
}

func newDefinitions(c *catalog.Catalog, m *catalog.Manifest) *definitions {
	d := &definitions{catalog: c, manifest: m, bases: make(map[schema.Name]*catalog.NameBase, len(m.Names)), known: map[schema.Name]*schema.Table{}}
	for i := range m.Names {
		d.bases[m.Names[i].Name] = &m.Names[i]
	}
	return d
}

// read returns the definition of a table, by its name in the backup.
func (d *definitions) read(ctx context.Context, n schema.Name) (*schema.Table, error) {
	if t := d.known[n]; t != nil {
		return t, nil
	}
	text, err := d.catalog.OpenNamedSchemaObject(ctx, d.manifest, d.bases[n].SchemaObject())
	if err != nil {
		return nil, err
	}
	t, err := ddl.ParseCreateTable(string(text), n.Schema)
	if err != nil {
		return nil, fmt.Errorf("read the definition of %s in the backup: %w", n, err)
	}
	d.known[n] = t
	return t, nil
}

// loaded returns those of the tables that are loaded.
func (d *definitions) loaded(ctx context.Context, loads []director.LoadBase) (list []*schema.Table, err error) {
	for _, b := range loads {
		t, err := d.read(ctx, b.Name)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

// tell lets a director read them.
func (d *definitions) tell(ctx context.Context, to *director.Director) {
	to.ReadsDefinitions(func(n schema.Name) (*schema.Table, error) { return d.read(ctx, n) })
}
