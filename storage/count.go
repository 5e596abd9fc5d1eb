package storage

import (
	"context"
	"io"
	"sync/atomic"
)

// ReadCount is how many bytes of objects were read through a layer of CountReads.
type ReadCount struct{ bytes atomic.Int64 }

// Bytes returns the count so far.
func (c *ReadCount) Bytes() int64 { return c.bytes.Load() }

// CountReads is the layer that counts what Get gives to its callers. It belongs above Retry, so
// that what is read again after a failure counts once.
func CountReads(b Bucket, c *ReadCount) Bucket { return &counting{b, c} }

type counting struct {
	Bucket
	count *ReadCount
}

// Get implements Bucket.
func (c *counting) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := c.Bucket.Get(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	return &countedReader{r, c.count}, nil
}

type countedReader struct {
	io.ReadCloser
	count *ReadCount
}

// Read implements io.Reader.
func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.count.bytes.Add(int64(n))
	return n, err
}
