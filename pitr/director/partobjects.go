package director

import (
	"slices"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Restored lists the objects at the stop point that are asked for, in a stable order.
func (d *Director) Restored() []*Object {
	list := d.objects.all()
	if d.Part == nil {
		return list
	}
	return slices.DeleteFunc(list, func(o *Object) bool { return !d.selected.object(o) })
}

// Firing lists the triggers that are asked for in the order in which they fire.
func (d *Director) Firing() []*Object {
	list := slices.Clone(d.objects.triggers)
	if d.Part == nil {
		return list
	}
	return slices.DeleteFunc(list, func(o *Object) bool { return !d.selected.object(o) })
}

// ObjectOnTarget is what an object is called on the target: a trigger goes with its table, others
// with their schema.
func (d *Director) ObjectOnTarget(o *Object) schema.Name {
	switch {
	case d.Part == nil:
		return o.Name
	case o.Kind == catalog.KindTrigger:
		return schema.Name{Schema: d.Part.renames.table(o.Table).Schema, Name: o.Name.Name}
	}
	return d.Part.renames.object(o.Name)
}

// TableOnTarget is what a trigger's table is called in the end.
func (d *Director) TableOnTarget(n schema.Name) schema.Name {
	if d.Part == nil {
		return n
	}
	return d.Part.renames.table(n)
}

// NameOf is what a table is called on the source now.
func (d *Director) NameOf(id Life) schema.Name { return d.lives.now[id] }

// SchemaOnTarget is the target's name of a schema that is restored.
func (d *Director) SchemaOnTarget(name string) (string, bool) {
	s := d.Schemas[d.FoldSchema(name)]
	if s == nil || s.Target == "" {
		return "", false
	}
	return s.Target, true
}

// Doubted is the trigger of a restored table of which nobody knows which table it is on.
func (d *Director) Doubted() error {
	for _, o := range d.Firing() {
		if o.doubt != nil {
			return o.doubt
		}
	}
	return nil
}

// ObjectsMade lists, in no order, what views, routines, triggers and events the restore makes at any time, by their
// names on the target.
func (d *Director) ObjectsMade() (list []schema.ObjectName) {
	for _, o := range d.Restored() {
		_, listed := d.objects.names[d.objects.id(o.Kind, o.Name)]
		if len(o.Steps) > 0 && !listed {
			list = append(list, schema.ObjectName{Kind: string(o.Kind), Name: d.ObjectOnTarget(o)})
		}
	}
	for id, name := range d.objects.names {
		if d.Part == nil || d.selected.Object(name) {
			list = append(list, schema.ObjectName{Kind: string(id.kind), Name: d.ObjectOnTarget(&Object{Kind: id.kind, Name: name})})
		}
	}
	return list
}
