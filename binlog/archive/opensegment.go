package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/storage"
)

// open proves a whole part and returns a reader of its bytes: nobody acts on bytes that turn
// out to be altered. One that is too large to be held is read once to be proved, and again for its
// bytes (promise 8).
func (r *Reader) open(ctx context.Context, p part) (segment.Header, io.ReadCloser, error) {
	if p.Size > r.hold {
		return r.openTwice(ctx, p)
	}
	object, err := r.object(ctx, p)
	if err != nil {
		return segment.Header{}, nil, err
	}
	data, err := readAll(object, p.length())
	if err = errors.Join(err, object.Close()); err != nil {
		return segment.Header{}, nil, err
	}
	h, err := prove(bytes.NewReader(data), p)
	if err != nil {
		return segment.Header{}, nil, err
	}
	_, plain, err := plainOf(bytes.NewReader(data), p)
	return h, plain, damaged(p.SegmentRef, err)
}

func (r *Reader) openTwice(ctx context.Context, p part) (segment.Header, io.ReadCloser, error) {
	object, err := r.object(ctx, p)
	if err != nil {
		return segment.Header{}, nil, err
	}
	proved, err := prove(object, p)
	if err = errors.Join(err, object.Close()); err != nil {
		return segment.Header{}, nil, err
	}
	if object, err = r.object(ctx, p); err != nil {
		return segment.Header{}, nil, err
	}
	h, plain, err := plainOf(object, p)
	if err == nil && h.StoredSHA256 != proved.StoredSHA256 {
		err = errors.Join(storage.Altered(p.Key, "was replaced while it was read"), plain.Close())
	}
	if err != nil {
		return segment.Header{}, nil, errors.Join(damaged(p.SegmentRef, err), object.Close())
	}
	return proved, &plainObject{ReadCloser: plain, object: object}, nil
}

// prove reads a part as it is stored.
func prove(r io.Reader, p part) (segment.Header, error) {
	if p.header != nil {
		err := frame(r, p)
		if err == nil {
			err = segment.CheckBody(*p.header, r)
		}
		return *p.header, damaged(p.SegmentRef, err)
	}
	h, err := segment.CheckStored(r)
	if err == nil {
		err = p.Fits(h)
	}
	return h, damaged(p.SegmentRef, err)
}

// plainOf returns a reader of a part's bytes.
func plainOf(r io.Reader, p part) (segment.Header, io.ReadCloser, error) {
	if p.header == nil {
		return segment.Plain(r)
	}
	if err := frame(r, p); err != nil {
		return segment.Header{}, nil, err
	}
	plain, err := segment.Body(*p.header, r)
	return *p.header, plain, err
}

// frame reads the frame in front of an object, where the part is the first behind it.
func frame(r io.Reader, p part) error {
	if !p.front {
		return nil
	}
	h, err := segment.DecodeHeader(r)
	if err != nil {
		return err
	}
	return p.object.Fits(h)
}

// object opens a part as it is stored. What its reader returns are faults of the store.
func (r *Reader) object(ctx context.Context, p part) (io.ReadCloser, error) {
	offset, length := int64(0), int64(-1) // to the end: what was added there is damage
	if p.header != nil && !p.front {
		offset = p.offset
	}
	if p.header != nil && !p.back {
		length = p.length()
	}
	object, err := r.catalog.OpenSegmentRange(ctx, p.SegmentRef, offset, length)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, missing(p.Key, err)
	case err != nil && p.header != nil:
		return nil, r.truncated(ctx, p, err)
	case err != nil:
		return nil, err
	}
	return &faultReader{object, p.Key}, nil
}

// truncated tells an object that has lost its end, where a store refuses to look, from a store
// that cannot be read.
func (r *Reader) truncated(ctx context.Context, p part, err error) error {
	o, errStat := r.catalog.Bucket().Stat(ctx, p.Key)
	if errStat == nil && o.Size < p.object.Size {
		return storage.Altered(p.Key, "has %d bytes of %d", o.Size, p.object.Size)
	}
	return err
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
