package pitr

import (
	"slices"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// restored lists the objects at the stop point that are asked for, in a stable order.
func (d *director) restored() []*object {
	list := d.objects.all()
	if d.part == nil {
		return list
	}
	return slices.DeleteFunc(list, func(o *object) bool { return !d.selected.object(o) })
}

// firing lists the triggers that are asked for in the order in which they fire.
func (d *director) firing() []*object {
	list := slices.Clone(d.objects.triggers)
	if d.part == nil {
		return list
	}
	return slices.DeleteFunc(list, func(o *object) bool { return !d.selected.object(o) })
}

// objectOnTarget is what an object is called on the target: a trigger goes with its table, others
// with their schema.
func (d *director) objectOnTarget(o *object) schema.Name {
	switch {
	case d.part == nil:
		return o.name
	case o.kind == catalog.KindTrigger:
		return schema.Name{Schema: d.part.renames.table(o.table).Schema, Name: o.name.Name}
	}
	return d.part.renames.object(o.name)
}

// tableOnTarget is what a trigger's table is called in the end.
func (d *director) tableOnTarget(n schema.Name) schema.Name {
	if d.part == nil {
		return n
	}
	return d.part.renames.table(n)
}

// schemaOnTarget is the target's name of a schema that is restored.
func (d *director) schemaOnTarget(name string) (string, bool) {
	s := d.schemas[d.foldSchema(name)]
	if s == nil || s.target == "" {
		return "", false
	}
	return s.target, true
}

// doubted is the trigger of a restored table of which nobody knows which table it is on.
func (d *director) doubted() error {
	for _, o := range d.firing() {
		if o.doubt != nil {
			return o.doubt
		}
	}
	return nil
}
