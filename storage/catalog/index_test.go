package catalog_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/storagetest"
)

// indexOf makes the index of a file that is stored in two segments.
func indexOf(t *testing.T, name string) *catalog.Index {
	t.Helper()
	file := randomFile(1000)
	x := &catalog.Index{Timeline: timeline, File: name, End: 1000}
	for i, bounds := range [][2]uint64{{0, 300}, {300, 1000}} {
		ref, data := encoded(t, name, file, bounds[0], bounds[1], 1)
		h, err := segment.DecodeHeader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		ref.Size = int64(len(data))
		x.Objects = append(x.Objects, catalog.NewIndexObject(ref))
		x.Segments = append(x.Segments, catalog.IndexSegment{Header: h, Object: i, Offset: ref.Size - int64(h.StoredBytes)})
		x.SHA256 = h.SHA256End
	}
	return x
}

func TestIndex(t *testing.T) {
	b, c := withInstance(t)
	const name = "binlog.000007"
	if _, err := c.Index(t.Context(), instance, timeline, name); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("an index that is not there: %v", err)
	}
	x := indexOf(t, name)
	if err := c.PutIndex(t.Context(), instance, x); err != nil {
		t.Fatal(err)
	}
	got, err := c.Index(t.Context(), instance, timeline, name)
	if err != nil || !reflect.DeepEqual(got, x) {
		t.Fatalf("index %+v, %v; want %+v", got, err, x)
	}
	refs := got.Refs(instance)
	if refs[1].Key != catalog.SegmentKey(instance, timeline, name, 300, 1000) || !strings.HasSuffix(refs[1].Key, "/"+x.Objects[1].Name) ||
		refs[1] != got.Ref(instance, &got.Segments[1]) {
		t.Errorf("refs %+v", refs)
	}
	// It is no segment, and a file of its own name is none.
	if files, err := c.Files(t.Context(), instance, timeline); err != nil || len(files) != 1 {
		t.Errorf("files %v, %v", files, err)
	}
	key := catalog.IndexKey(instance, timeline, name)
	storagetest.Put(t, b, catalog.IndexKey(instance, timeline, "binlog.000008"), string(storagetest.Get(t, b, key)))
	_, err = c.Index(t.Context(), instance, timeline, "binlog.000008")
	wantFault(t, err, fault.CodeDifference, fault.KindIntegrity)
	storagetest.Put(t, b, key, strings.Replace(string(storagetest.Get(t, b, key)), `"end": 300`, `"end": 301`, 1))
	_, err = c.Index(t.Context(), instance, timeline, name)
	wantFault(t, err, fault.CodeDifference, fault.KindIntegrity)
}

// An index that does not describe a file from its beginning to its end is neither written nor read.
func TestIndexThatDescribesNoFile(t *testing.T) {
	_, c := withInstance(t)
	for name, change := range map[string]func(*catalog.Index){
		"nothing":            func(x *catalog.Index) { x.Segments = nil },
		"a gap":              func(x *catalog.Index) { x.Segments = x.Segments[1:] },
		"a short end":        func(x *catalog.Index) { x.End = 300 },
		"another file's end": func(x *catalog.Index) { x.SHA256[0]++ },
		"no chain":           func(x *catalog.Index) { x.Segments[1].SHA256Start[0]++ },
		"no object":          func(x *catalog.Index) { x.Segments[1].Object = 2 },
		"outside its object": func(x *catalog.Index) { x.Segments[1].Object = 0 },
		"behind its object":  func(x *catalog.Index) { x.Segments[1].Offset++ },
		"another file":       func(x *catalog.Index) { x.Segments[1].File = "binlog.000008" },
	} {
		x := indexOf(t, "binlog.000007")
		change(x)
		if err := c.PutIndex(t.Context(), instance, x); err == nil {
			t.Errorf("%s: an index of it is written", name)
		}
	}
}
