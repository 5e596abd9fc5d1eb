package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// open proves a whole segment and returns a reader of its bytes: nobody acts on bytes that turn
// out to be altered. A segment that is too large to be held is read once to be proved, and
// again for its bytes (promise 8).
func (r *Reader) open(ctx context.Context, ref catalog.SegmentRef) (segment.Header, io.ReadCloser, error) {
	if ref.Size > r.hold {
		return r.openTwice(ctx, ref)
	}
	object, err := r.object(ctx, ref)
	if err != nil {
		return segment.Header{}, nil, err
	}
	data, err := readAll(object, ref.Size)
	if err = errors.Join(err, object.Close()); err != nil {
		return segment.Header{}, nil, err
	}
	h, err := prove(bytes.NewReader(data), ref)
	if err != nil {
		return segment.Header{}, nil, err
	}
	_, plain, err := segment.Plain(bytes.NewReader(data))
	return h, plain, damaged(ref, err)
}

func (r *Reader) openTwice(ctx context.Context, ref catalog.SegmentRef) (segment.Header, io.ReadCloser, error) {
	object, err := r.object(ctx, ref)
	if err != nil {
		return segment.Header{}, nil, err
	}
	proved, err := prove(object, ref)
	if err = errors.Join(err, object.Close()); err != nil {
		return segment.Header{}, nil, err
	}
	if object, err = r.object(ctx, ref); err != nil {
		return segment.Header{}, nil, err
	}
	h, plain, err := segment.Plain(object)
	if err == nil && h.StoredSHA256 != proved.StoredSHA256 {
		err = errors.Join(storage.Altered(ref.Key, "was replaced while it was read"), plain.Close())
	}
	if err != nil {
		return segment.Header{}, nil, errors.Join(damaged(ref, err), object.Close())
	}
	return proved, &plainObject{ReadCloser: plain, object: object}, nil
}

// prove reads a segment as it is stored.
func prove(r io.Reader, ref catalog.SegmentRef) (segment.Header, error) {
	h, err := segment.CheckStored(r)
	if err == nil {
		err = ref.Fits(h)
	}
	return h, damaged(ref, err)
}

// object opens a segment's object. What its reader returns are faults of the store.
func (r *Reader) object(ctx context.Context, ref catalog.SegmentRef) (io.ReadCloser, error) {
	object, err := r.catalog.OpenSegment(ctx, ref)
	if err != nil {
		return nil, missing(ref.Key, err)
	}
	return &faultReader{object, ref.Key}, nil
}

type faultReader struct {
	io.ReadCloser
	key string
}

func (f *faultReader) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = storage.Fault(fmt.Errorf("read %s: %w", f.key, err))
	}
	return n, err
}

// plainObject closes the object with the reader of its bytes.
type plainObject struct {
	io.ReadCloser
	object io.Closer
}

func (p *plainObject) Close() error { return errors.Join(p.ReadCloser.Close(), p.object.Close()) }

// readAll reads an object whose size is known into memory once.
func readAll(r io.Reader, size int64) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, max(size, 0)+bytes.MinRead))
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}
