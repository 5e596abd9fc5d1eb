package storage

import (
	"context"
	"errors"
	"io"
)

// Get implements Bucket.
func (r *retrying) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	resuming := &resumingReader{offset: offset, length: length}
	resuming.reopen = func() error {
		object, err := r.Bucket.Get(ctx, key, resuming.offset, resuming.length)
		if err == nil {
			resuming.object = object
		}
		return err
	}
	tries := attempts{options: r.options}
	resuming.again = func(err error) error { return tries.again(ctx, "read", key, err) }
	resuming.succeeded = tries.over
	if err := r.do(ctx, "get", key, resuming.reopen); err != nil {
		return nil, err
	}
	return resuming, nil
}

// resumingReader reads an object, and opens it again where it was when the store fails.
type resumingReader struct {
	offset int64
	length int64 // -1 to the end
	object io.ReadCloser
	failed error // what the object's reader said last; it is not asked again then

	reopen    func() error      // opens the object at offset
	again     func(error) error // waits before another try, or returns the error to give up with
	succeeded func()            // bytes came: a failing store has its whole time again
}

// Read returns the object's bytes.
func (r *resumingReader) Read(p []byte) (int, error) {
	for {
		if r.failed != nil {
			if err := r.resume(); err != nil {
				return 0, err
			}
		}
		n, err := r.object.Read(p)
		if n > 0 {
			r.offset += int64(n)
			if r.length >= 0 {
				r.length -= int64(n)
			}
			r.succeeded()
		}
		if err == nil || err == io.EOF {
			return n, err
		}
		r.failed = err
		if n > 0 {
			return n, nil
		}
	}
}

// resume opens the object again, or returns the error to give up with, now and ever after.
func (r *resumingReader) resume() error {
	for {
		if err := r.again(r.failed); err != nil {
			r.failed = Permanent(err)
			return err
		}
		closed := r.object.Close()
		r.object = closedReader{}
		err := r.reopen()
		if err == nil {
			r.failed = nil
			return nil
		}
		r.failed = errors.Join(err, closed)
	}
}

// Close lets the object go.
func (r *resumingReader) Close() error {
	r.succeeded()
	return r.object.Close()
}

// closedReader stands where an object was closed and could not be opened again.
type closedReader struct{}

func (closedReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }
func (closedReader) Close() error             { return nil }
