package docs

import (
	"reflect"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// documents are the sections of docs/format.md with the types that they describe.
var documents = map[string]any{
	"position":      binlog.Position{},
	"point":         binlog.Point{},
	"window":        binlog.Window{},
	"name":          schema.Name{},
	"selection":     catalog.Selection{},
	"limit":         segment.Limit{},
	"content":       segment.Content{},
	"instance.json": catalog.Instance{},
	"intent.json":   catalog.Intent{},
	"journal":       catalog.JournalPart{},
	"manifest.json": catalog.Manifest{},
	"head.json":     catalog.Head{},
	"hole":          catalog.Hole{},
	"limits":        catalog.Limits{},
	"index.json":    catalog.Index{},
	"definitions":   catalog.Definitions{},
	"lease":         catalog.Lease{},
	"beat":          catalog.Beat{},
	"ask":           catalog.Ask{},
	"segment":       segment.Header{},
}

// described are the types that have a section of their own: where they are members, that says what is in them.
var described = map[reflect.Type]bool{}

func init() {
	for _, section := range []string{"position", "point", "window", "name", "selection", "limit", "content"} {
		described[reflect.TypeOf(documents[section])] = true
	}
}

// members are the paths of all members of a document: names[].chunks[].key.
func members(t reflect.Type) []string {
	var list []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && f.Type == reflect.TypeFor[segment.Header]() {
			continue // in an index: the section of segments says what is in it
		}
		if name == "" && f.Anonymous {
			list = append(list, members(f.Type)...)
			continue
		}
		list = append(list, name)
		below := f.Type
		for below.Kind() == reflect.Pointer || below.Kind() == reflect.Slice {
			if below.Kind() == reflect.Slice && below.Elem().Kind() == reflect.Struct {
				name += "[]"
			}
			below = below.Elem()
		}
		if isDocument(below) && !described[below] {
			for _, m := range members(below) {
				list = append(list, name+"."+m)
			}
		}
	}
	return list
}

// isDocument tells whether a type is a JSON object with members, not a value that renders itself.
func isDocument(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("json") != "" || f.Anonymous && isDocument(f.Type) {
			return true
		}
	}
	return false
}
