package storagetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"

	"github.com/tripod-db/tripod/storage"
)

// ErrBroken is what a store answers that a fault makes fail without a reason. It is not
// permanent: trying again is right.
var ErrBroken = errors.New("the store did not answer")

// ErrCrashed is what every call of a store says after Crash: the process would be gone.
var ErrCrashed = errors.New("the process has crashed")

// Operation names a method of storage.Bucket.
type Operation string

// The operations.
const (
	OpPut         Operation = "put"
	OpPutIfAbsent Operation = "put-if-absent"
	OpGet         Operation = "get"
	OpRead        Operation = "read" // of a reader that Get gave
	OpStat        Operation = "stat"
	OpList        Operation = "list"
	OpDelete      Operation = "delete"
	OpProperties  Operation = "properties"
)

// writes tells operations that change the store.
func (o Operation) writes() bool { return o == OpPut || o == OpPutIfAbsent || o == OpDelete }

// Fault decides about one call: nil lets it pass. It may block, to be slow.
type Fault func(ctx context.Context, op Operation, key string) error

var _ storage.Bucket = (*Faulty)(nil)

// Faulty is a store with faults. Body, if set, changes what a Get gives; Sent, if set, what a
// Put is given; Answered, if set, the answer of a Put or PutIfAbsent that has been carried out.
type Faulty struct {
	storage.Bucket
	Before   Fault
	Body     func(key string, body io.Reader) io.Reader
	Sent     func(key string, body io.Reader) io.Reader
	Answered func(op Operation, key string, err error) error
}

func (f *Faulty) before(ctx context.Context, op Operation, key string) error {
	if f.Before == nil {
		return nil
	}
	return f.Before(ctx, op, key)
}

// Put implements storage.Bucket.
func (f *Faulty) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	return f.send(ctx, OpPut, key, body, func(body io.Reader) error { return f.Bucket.Put(ctx, key, body, size) })
}

// PutIfAbsent implements storage.Bucket.
func (f *Faulty) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	return f.send(ctx, OpPutIfAbsent, key, body, func(body io.Reader) error { return f.Bucket.PutIfAbsent(ctx, key, body, size) })
}

func (f *Faulty) send(ctx context.Context, op Operation, key string, body io.Reader, send func(io.Reader) error) error {
	if err := f.before(ctx, op, key); err != nil {
		return err
	}
	if f.Sent != nil {
		body = f.Sent(key, body)
	}
	err := send(body)
	if f.Answered != nil {
		err = f.Answered(op, key, err)
	}
	return err
}

// Get implements storage.Bucket.
func (f *Faulty) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := f.before(ctx, OpGet, key); err != nil {
		return nil, err
	}
	r, err := f.Bucket.Get(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	body := io.Reader(r)
	if f.Body != nil {
		body = f.Body(key, body)
	}
	guarded := readFunc(func(p []byte) (int, error) {
		if err := f.before(ctx, OpRead, key); err != nil {
			return 0, err
		}
		return body.Read(p)
	})
	return struct {
		io.Reader
		io.Closer
	}{guarded, r}, nil
}

// Stat implements storage.Bucket.
func (f *Faulty) Stat(ctx context.Context, key string) (storage.Object, error) {
	if err := f.before(ctx, OpStat, key); err != nil {
		return storage.Object{}, err
	}
	return f.Bucket.Stat(ctx, key)
}

// List implements storage.Bucket: a fault strikes before each object.
func (f *Faulty) List(ctx context.Context, prefix, from string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		for object, err := range f.Bucket.List(ctx, prefix, from) {
			if struck := f.before(ctx, OpList, object.Key); struck != nil {
				yield(storage.Object{}, struck)
				return
			}
			if !yield(object, err) {
				return
			}
		}
	}
}

// Delete implements storage.Bucket.
func (f *Faulty) Delete(ctx context.Context, key string) error {
	if err := f.before(ctx, OpDelete, key); err != nil {
		return err
	}
	return f.Bucket.Delete(ctx, key)
}

// Properties implements storage.Bucket.
func (f *Faulty) Properties(ctx context.Context) (storage.Properties, error) {
	if err := f.before(ctx, OpProperties, ""); err != nil {
		return storage.Properties{}, err
	}
	return f.Bucket.Properties(ctx)
}

// readFunc is a function as io.Reader.
type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// ReadOnly refuses every write.
func ReadOnly(b storage.Bucket) *Faulty {
	return &Faulty{Bucket: b, Before: func(_ context.Context, op Operation, key string) error {
		if op.writes() {
			return fmt.Errorf("%s %s: %w", op, key, storage.ErrReadOnly)
		}
		return nil
	}}
}

// FailOnce makes the first call of op for a key that contains part fail with ErrBroken, before
// it does anything.
func FailOnce(b storage.Bucket, op Operation, part string) *Faulty {
	var once sync.Once
	return &Faulty{Bucket: b, Before: func(_ context.Context, is Operation, key string) error {
		failed := error(nil)
		if is == op && strings.Contains(key, part) {
			once.Do(func() { failed = fmt.Errorf("%s %s: %w", op, key, ErrBroken) })
		}
		return failed
	}}
}

// LoseAnswerOnce carries the first PutIfAbsent of a key that contains part out, and answers ErrBroken.
func LoseAnswerOnce(b storage.Bucket, part string) *Faulty {
	var once sync.Once
	return &Faulty{Bucket: b, Answered: func(op Operation, key string, err error) error {
		if op == OpPutIfAbsent && strings.Contains(key, part) {
			once.Do(func() { err = errors.Join(err, fmt.Errorf("%s %s: %w", op, key, ErrBroken)) })
		}
		return err
	}}
}

// Slow holds every call of a key that contains part until release is closed or its context ends.
func Slow(b storage.Bucket, part string, release <-chan struct{}) *Faulty {
	return &Faulty{Bucket: b, Before: func(ctx context.Context, _ Operation, key string) error {
		if !strings.Contains(key, part) {
			return nil
		}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
}
