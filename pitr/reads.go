package pitr

import (
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// BytesRead is how many bytes of objects were read from the store.
type BytesRead struct {
	Backup  int64 `json:"backup"`  // manifests, definitions, chunks
	Archive int64 `json:"archive"` // segments, indexes, and what else lies with them
}

// reads is a store of which it is counted what a plan and its restore read.
type reads struct {
	ofBackup, ofArchive *catalog.Catalog
	backup, archive     storage.ReadCount
}

func countReads(c *catalog.Catalog) *reads {
	r := &reads{}
	r.ofBackup = catalog.New(storage.CountReads(c.Bucket(), &r.backup))
	r.ofArchive = catalog.New(storage.CountReads(c.Bucket(), &r.archive))
	return r
}

func (r *reads) bytes() BytesRead {
	return BytesRead{Backup: r.backup.Bytes(), Archive: r.archive.Bytes()}
}
