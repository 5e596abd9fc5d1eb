package verify_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/file"
	"github.com/tripod-db/tripod/storage/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	instance = "shop.€"
	timeline = binlog.Timeline("00000000-0000-0000-0000-000000000001")
	fileSize = 900
	limited  = "binlog.000001" // has an entry that ends a range
)

// site is a store with an archive of three files, a backup, and a killed run.
type site struct {
	t      testing.TB
	bucket storage.Bucket
	cat    *catalog.Catalog
	backup string
	killed string
	files  map[string][]byte
}

func newSite(t testing.TB) *site {
	t.Helper()
	bucket, err := file.Open(t.TempDir(), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, bucket: bucket, cat: catalog.New(bucket), files: map[string][]byte{}}
	s.must(s.cat.EnsureInstance(t.Context(), catalog.Instance{Name: instance, Flavor: "mysql"}))
	s.must(s.cat.PutLease(t.Context(), instance, catalog.Lease{Epoch: 1, Holder: "a", Role: "archive"}))
	s.must(s.cat.PutBeat(t.Context(), instance, catalog.Beat{Epoch: 1, Count: 7}))
	s.must(s.cat.PutAsk(t.Context(), instance, catalog.Ask{Epoch: 1, By: "b"}))
	var previous *segment.PreviousFile
	for n := 1; n <= 3; n++ {
		previous = s.archiveFile(fmt.Sprintf("binlog.%06d", n), previous)
	}
	s.putHead("binlog.000003", 600, 900)
	s.must(s.cat.PutLimits(t.Context(), instance, catalog.Limits{Timeline: timeline, File: limited, Epoch: 1, Limits: []segment.Limit{{Start: 4, Kind: segment.LimitXA}}}))
	s.backup = s.takeBackup()
	id, err := s.cat.CreateIntent(t.Context(), catalog.Intent{Instance: instance, Floor: binlog.Point{Position: s.at("binlog.000002", 4)}}, time.Now())
	s.must(err)
	s.killed = id
	s.must(s.cat.PutChunk(t.Context(), instance, id, catalog.ChunkKey(schema.Name{Schema: "shop", Name: "orders"}, 1, "zstd"), strings.NewReader("half"), 4))
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) at(file string, pos uint64) binlog.Position {
	return binlog.Position{Timeline: timeline, File: file, Pos: pos}
}

// archiveFile archives a file in three segments.
func (s *site) archiveFile(name string, previous *segment.PreviousFile) *segment.PreviousFile {
	s.t.Helper()
	content := slices.Repeat([]byte(name+"/"), fileSize)[:fileSize]
	s.files[name] = content
	for start := uint64(0); start < fileSize; start += 300 {
		s.putSegment(name, start, start+300, previous)
	}
	return &segment.PreviousFile{File: name, End: fileSize, SHA256: binlog.Digest(sha256.Sum256(content))}
}

// putSegment archives a part of a file.
func (s *site) putSegment(name string, start, end uint64, previous *segment.PreviousFile) {
	s.t.Helper()
	data := s.encode(name, s.files[name], start, end, previous)
	s.must(s.cat.PutSegment(s.t.Context(), instance, catalog.SegmentRef{Timeline: timeline, File: name, Start: start, End: end}, data))
}

func (s *site) encode(name string, content []byte, start, end uint64, previous *segment.PreviousFile) []byte {
	s.t.Helper()
	chain := binlog.NewChain()
	_, err := chain.Write(content[:start])
	s.must(err)
	state, err := chain.AppendState(nil)
	s.must(err)
	h := segment.Header{Timeline: timeline, File: name, Start: start, End: end, FormatTime: 7, SHA256Start: chain.Sum(), State: state, Epoch: 1,
		Boundary: end, Resume: segment.Resume{At: start, State: state}, Closed: end == fileSize}
	if start == 0 {
		h.Previous = previous
	}
	if name == limited && start == 0 {
		h.Limits = []segment.Limit{{Start: 4, Kind: segment.LimitXA}}
	}
	_, err = chain.Write(content[start:end])
	s.must(err)
	h.SHA256End = chain.Sum()
	data, err := segment.Encode(h, bytes.NewReader(content[start:end]))
	s.must(err)
	return data
}

func (s *site) putHead(file string, start, end uint64) {
	s.t.Helper()
	s.must(s.cat.PutHead(s.t.Context(), instance, catalog.Head{
		End: binlog.Point{Position: s.at(file, end)}, Last: catalog.HeadSegment{File: file, Start: start, End: end}, AsOf: 7, Epoch: 1,
	}))
}

// putChunk stores text of rows and returns what a manifest says of it.
func (s *site) putChunk(id string, name schema.Name, n uint64, text string) catalog.Chunk {
	s.t.Helper()
	encoder, err := zstd.NewWriter(nil)
	s.must(err)
	stored := encoder.EncodeAll([]byte(text), nil)
	s.must(encoder.Close())
	sum := sha256.Sum256(stored)
	c := catalog.Chunk{Key: catalog.ChunkKey(name, n, "zstd"), Rows: uint64(strings.Count(text, "\n")), Bytes: uint64(len(text)), BytesStored: uint64(len(stored)),
		StoredSHA256: hex.EncodeToString(sum[:]), TextSHA256: catalog.TextSHA256(text)}
	s.must(s.cat.PutChunk(s.t.Context(), instance, id, c.Key, bytes.NewReader(stored), int64(len(stored))))
	return c
}

// takeBackup puts a backup of two tables of two chunks and a view, whose windows end in the third
// file. change may alter its manifest before that is written.
func (s *site) takeBackup(change ...func(*catalog.Manifest)) string {
	s.t.Helper()
	floor, end := s.at("binlog.000001", 304), s.at("binlog.000003", 700)
	id, err := s.cat.CreateIntent(s.t.Context(), catalog.Intent{Instance: instance, Floor: binlog.Point{Position: floor}}, time.Now().Add(-time.Hour))
	s.must(err)
	m := &catalog.Manifest{ID: id, Instance: instance, Compression: "zstd", Floor: binlog.Point{Position: floor},
		RecoverableFrom: binlog.Point{Position: end}, End: binlog.Point{Position: end}}
	put := func(key, text string) string {
		s.must(s.cat.PutSchemaObject(s.t.Context(), instance, id, key, []byte(text)))
		return catalog.TextSHA256(text)
	}
	for _, table := range []string{"orders", "visits"} {
		name := schema.Name{Schema: "shop", Name: table}
		b := catalog.NameBase{Name: name, Base: catalog.BaseRead, SchemaKey: catalog.SchemaKey(catalog.KindTable, name)}
		b.SchemaSHA256 = put(b.SchemaKey, "CREATE TABLE `"+table+"` (id INT PRIMARY KEY)")
		for n := range uint64(2) {
			b.Chunks = append(b.Chunks, s.putChunk(id, name, n+1, fmt.Sprintf("%s\t%d\n%s\t\\n\n", table, n, table)))
		}
		b.Rows = binlog.Window{Low: floor, High: end}
		m.Names = append(m.Names, b)
	}
	m.Schemas = []catalog.SchemaBase{{Name: "shop", Exists: true, Create: "CREATE DATABASE `shop`"}}
	put(catalog.SchemaKey(catalog.KindDatabase, schema.Name{Schema: "shop", Name: "shop"}), m.Schemas[0].Create)
	view := catalog.Object{Name: schema.Name{Schema: "shop", Name: "v"}, Kind: catalog.KindView, Create: "CREATE VIEW `v` AS SELECT 1"}
	view.SchemaKey = catalog.SchemaKey(view.Kind, view.Name)
	put(view.SchemaKey, view.Create)
	m.Objects = []catalog.Object{view}
	for _, c := range change {
		c(m)
	}
	s.must(s.cat.PutManifest(s.t.Context(), m))
	return id
}

func (s *site) verify(c verify.Config) *verify.Result {
	s.t.Helper()
	if c.Catalog == nil {
		c.Catalog = s.cat
	}
	r, err := verify.Run(s.t.Context(), c)
	s.must(err)
	if (r.Problem() == nil) != r.OK || r.OK != (len(r.Problems) == 0) {
		s.t.Errorf("ok %v with %d problems and %v", r.OK, len(r.Problems), r.Problem())
	}
	return r
}

// objects lists the store.
func (s *site) objects() []string {
	s.t.Helper()
	var keys []string
	for o, err := range s.bucket.List(s.t.Context(), "", "") {
		s.must(err)
		keys = append(keys, o.Key)
	}
	return keys
}

func (s *site) get(key string) []byte {
	s.t.Helper()
	r, err := s.bucket.Get(s.t.Context(), key, 0, -1)
	s.must(err)
	var b bytes.Buffer
	_, err = b.ReadFrom(r)
	s.must(errors.Join(err, r.Close()))
	return b.Bytes()
}

func (s *site) put(key string, data []byte) {
	s.t.Helper()
	s.must(s.bucket.Put(s.t.Context(), key, bytes.NewReader(data), int64(len(data))))
}

func (s *site) remove(key string) {
	s.t.Helper()
	s.must(s.bucket.Delete(s.t.Context(), key))
}

// wants fails the test unless the result has a problem of the object and kind.
func wants(t testing.TB, r *verify.Result, object string, kinds ...verify.Kind) {
	t.Helper()
	for _, p := range r.Problems {
		if p.Object == object && slices.Contains(kinds, p.Kind) && p.Detail != "" {
			return
		}
	}
	t.Errorf("no problem %v of %s among %v", kinds, object, r.Problems)
}
