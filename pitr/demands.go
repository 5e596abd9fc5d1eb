package pitr

import (
	"maps"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/storage/catalog"
)

// demands is what the tables and statements of a restore ask of the target, collected on the way
// through the log.
type demands struct {
	fold     func(schema.Name) schema.Name
	keyless  map[schema.Name]bool // tables, by folded name, that have no primary key now
	lacking  map[string]bool      // tables that have none at any time
	charsets map[string]bool
	// collations and zones (named time zones) likewise.
	collations map[string]bool
	zones      map[string]bool
	features   []feature
	engines    map[string][]schema.Name // in lower case, with the tables that are of each at any time
	// tablespaces, and tables that ask for encryption, by their names on the target.
	tablespaces map[string]bool
	encrypted   map[string]bool
}

func newDemands(fold func(schema.Name) schema.Name) *demands {
	return &demands{
		fold: fold, keyless: map[schema.Name]bool{}, lacking: map[string]bool{},
		charsets: map[string]bool{}, collations: map[string]bool{}, zones: map[string]bool{}, engines: map[string][]schema.Name{},
		tablespaces: map[string]bool{}, encrypted: map[string]bool{},
	}
}

// places takes where a definition wants a table to lie.
func (d *demands) places(asks ddl.Demands, names ...schema.Name) {
	for _, t := range asks.Tablespaces {
		d.tablespaces[t] = true
	}
	for _, n := range names {
		if asks.Encrypted {
			d.encrypted[n.String()] = true
		}
	}
}

// loaded takes a table of the backup. It is to be called before the log.
func (d *demands) loaded(t *schema.Table, n schema.Name) {
	d.features = append(d.features, featuresOf(t, n)...)
	d.setKeyless(n, len(t.Keys) == 0 || !t.Keys[0].Primary)
	d.engine(t.Engine, n)
	for i := range t.Columns {
		if c := t.Columns[i].Collation; c != "" {
			d.collations[c] = true
		}
	}
	if st, err := ddl.Parse([]byte(t.Create), ddl.Session{}); err == nil {
		d.places(st.Demands(), n)
	}
}

func (d *demands) setKeyless(n schema.Name, keyless bool) {
	d.keyless[d.fold(n)] = keyless
	if keyless {
		d.lacking[n.String()] = true
	}
}

// executed takes a statement of the log that is carried out.
func (d *demands) executed(q *event.Query, x *director.Execution) {
	d.zone(q.Context.TimeZone)
	for _, p := range x.Renamed {
		d.keyless[d.fold(p[1])] = d.keyless[d.fold(p[0])]
	}
	altered := slices.Clone(x.Altered)
	for _, p := range x.Renamed { // ALTER TABLE .. RENAME
		altered = append(altered, p[1])
	}
	if len(x.Created)+len(altered) == 0 {
		return
	}
	asks := x.Statement.Demands()
	d.places(asks, slices.Concat(x.Created, altered)...)
	for _, c := range asks.Charsets {
		d.charsets[c] = true
	}
	for _, e := range asks.Engines {
		d.engine(e, slices.Concat(x.Created, altered)...)
	}
	for _, c := range asks.Collations {
		d.collations[c] = true
	}
	for _, n := range x.Created {
		keyless := !asks.AddsPrimaryKey
		if x.Copied {
			keyless = d.keyless[d.fold(x.Source)]
		}
		d.setKeyless(n, keyless)
	}
	for _, n := range altered {
		if asks.AddsPrimaryKey || asks.DropsPrimaryKey {
			d.setKeyless(n, !asks.AddsPrimaryKey)
		}
	}
}

func (d *demands) engine(name string, of ...schema.Name) {
	name = strings.ToLower(name)
	for _, n := range of {
		if !slices.Contains(d.engines[name], n) {
			d.engines[name] = append(d.engines[name], n)
		}
	}
}

// zone takes a time zone as servers name it; offsets and SYSTEM are known to every server.
func (d *demands) zone(name string) {
	if name != "" && name != "SYSTEM" && name[0] != '+' && name[0] != '-' {
		d.zones[name] = true
	}
}

// objects takes those of the stop point.
func (d *demands) objects(list []*director.Object) {
	for _, o := range list {
		for _, step := range o.Steps {
			if o.Kind == catalog.KindEvent || step.Logged {
				d.zone(step.Zone)
			}
		}
	}
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
