package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tripod-db/tripod/storage"
)

// Get implements storage.Bucket.
func (b *Bucket) Get(ctx context.Context, key string, offset, length int64) (_ io.ReadCloser, err error) {
	path, err := b.path(key)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, readError(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, readError(err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file: %w", key, storage.ErrNotFound)
	case offset < 0 || offset > info.Size():
		return nil, storage.Permanent(fmt.Errorf("%s has %d bytes, none at offset %d", key, info.Size(), offset))
	}
	rest := info.Size() - offset
	if length >= 0 {
		rest = min(rest, length)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return &reader{ended: ctx.Err, file: f, rest: rest}, nil
}

// reader gives exactly rest bytes of file, until ended, the Err of the call's context, says so.
type reader struct {
	ended func() error
	file  *os.File
	rest  int64
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ended(); err != nil {
		return 0, err
	}
	if r.rest == 0 {
		return 0, io.EOF
	}
	n, err := r.file.Read(p[:min(int64(len(p)), r.rest)])
	r.rest -= int64(n)
	if err == io.EOF {
		// The file was cut while we read it.
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (r *reader) Close() error { return r.file.Close() }
