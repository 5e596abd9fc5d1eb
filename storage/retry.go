package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"time"
)

// permanent is an error that trying again does not mend.
type permanent struct{ error }

// Unwrap returns the error itself.
func (p permanent) Unwrap() error { return p.error }

// Permanent marks an error of a driver as one that trying again does not mend: refused
// credentials, a malformed request. The sentinels of the contract need no mark.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// IsPermanent tells whether trying again is of no use.
func IsPermanent(err error) bool {
	var marked permanent
	if errors.As(err, &marked) {
		return true
	}
	for _, sentinel := range []error{ErrNotFound, ErrExists, ErrReadOnly, ErrFull, ErrNoConditionalPut, ErrKey,
		context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}

// RetryOptions bound the retry layer.
type RetryOptions struct {
	// Limit is how long a call is tried again after its first failure; 0 means DefaultRetryLimit.
	Limit time.Duration
	// First is the pause before the second try, 0 means 100 ms. Each further pause is twice as
	// long, up to Longest (0 means 5 s), and shortened by chance by up to a half, so that many
	// clients do not come back at once.
	First, Longest time.Duration
	// OnRetry, if set, is told of each failure that is tried again.
	OnRetry func(operation, key string, err error)
	// Waits, if set, is told of a call's first failure, and to call what it returns when the
	// store has answered or the call has been given up.
	Waits func(operation, key string) (over func())
}

// DefaultRetryLimit outlasts the restart of a store's server, and is short enough for the
// archiver, whose spool takes over from there.
const DefaultRetryLimit = 30 * time.Second

// Retry is the layer that tries again. A body is sent again only if it is an io.Seeker, from
// where it stood; another one gets one try. A reader that fails goes on where it was, a
// listing behind the last key that it gave. If a PutIfAbsent that failed without an answer had
// in truth succeeded, its second try meets the object: it is taken for ours if its bytes are,
// so what must have one winner carries something random (leases do).
func Retry(b Bucket, o RetryOptions) Bucket {
	if o.Limit <= 0 {
		o.Limit = DefaultRetryLimit
	}
	if o.First <= 0 {
		o.First = 100 * time.Millisecond
	}
	if o.Longest <= 0 {
		o.Longest = 5 * time.Second
	}
	return &retrying{Bucket: b, options: o}
}

type retrying struct {
	Bucket
	options RetryOptions
}

// attempts counts the tries of one call.
type attempts struct {
	options  RetryOptions
	pause    time.Duration
	deadline time.Time
	waited   func()
}

// over ends the tries of a call, or begins them anew where the store has answered.
func (a *attempts) over() {
	if a.waited != nil {
		a.waited()
	}
	*a = attempts{options: a.options}
}

// again waits and returns nil if the call may be tried again after err, else the error to return.
func (a *attempts) again(ctx context.Context, operation, key string, err error) error {
	if IsPermanent(err) {
		return err
	}
	now := time.Now()
	if a.deadline.IsZero() {
		a.deadline, a.pause = now.Add(a.options.Limit), a.options.First
		if a.options.Waits != nil {
			a.waited = a.options.Waits(operation, key)
		}
	}
	if now.After(a.deadline) {
		return fmt.Errorf("given up after %v: %w", a.options.Limit, err)
	}
	if a.options.OnRetry != nil {
		a.options.OnRetry(operation, key, err)
	}
	timer := time.NewTimer(a.pause/2 + rand.N(a.pause/2+1))
	defer timer.Stop()
	a.pause = min(2*a.pause, a.options.Longest)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// do calls once until it succeeds or may not be tried again.
func (r *retrying) do(ctx context.Context, operation, key string, once func() error) error {
	a := attempts{options: r.options}
	defer a.over()
	for {
		err := once()
		if err == nil {
			return nil
		}
		if err := a.again(ctx, operation, key, err); err != nil {
			return err
		}
	}
}

// send is do for a call with a body.
func (r *retrying) send(ctx context.Context, operation, key string, body io.Reader, once func() error) error {
	seeker, rewinds := body.(io.Seeker)
	if !rewinds {
		return once()
	}
	start, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return fmt.Errorf("find the start of the body of %s: %w", key, err)
	}
	return r.do(ctx, operation, key, func() error {
		if _, err := seeker.Seek(start, io.SeekStart); err != nil {
			return Permanent(fmt.Errorf("rewind the body of %s: %w", key, err))
		}
		return once()
	})
}

// Put implements Bucket.
func (r *retrying) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	return r.send(ctx, "put", key, body, func() error { return r.Bucket.Put(ctx, key, body, size) })
}

// PutIfAbsent implements Bucket.
func (r *retrying) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	unanswered := false
	return r.send(ctx, "put-if-absent", key, body, func() error {
		seeker, rewinds := body.(io.Seeker)
		start := int64(0)
		if rewinds {
			var err error
			if start, err = seeker.Seek(0, io.SeekCurrent); err != nil {
				return Permanent(fmt.Errorf("find the start of the body of %s: %w", key, err))
			}
		}
		err := r.Bucket.PutIfAbsent(ctx, key, body, size)
		if errors.Is(err, ErrExists) && unanswered {
			if _, err := seeker.Seek(start, io.SeekStart); err != nil {
				return Permanent(fmt.Errorf("rewind the body of %s: %w", key, err))
			}
			ours, errCompare := r.holds(ctx, key, body)
			if errCompare != nil {
				return errCompare
			}
			if ours {
				return nil
			}
		}
		unanswered = unanswered || err != nil && !IsPermanent(err)
		return err
	})
}

// holds tells whether the object has the bytes of body.
func (r *retrying) holds(ctx context.Context, key string, body io.Reader) (_ bool, err error) {
	object, err := r.Bucket.Get(ctx, key, 0, -1)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, object.Close()) }()
	return equal(object, body)
}

// equal compares two readers to their ends.
func equal(a, b io.Reader) (bool, error) {
	const block = 64 << 10
	left, right := make([]byte, block), make([]byte, block)
	for {
		n, err := fill(a, left)
		if err != nil {
			return false, err
		}
		m, err := fill(b, right)
		if err != nil || n != m || !bytes.Equal(left[:n], right[:m]) {
			return false, err
		}
		if n < block {
			return true, nil
		}
	}
}

// fill reads until p is full or r ends; it returns less than len(p) bytes only at the end.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = r.Read(p[n:])
		n += more
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Stat implements Bucket.
func (r *retrying) Stat(ctx context.Context, key string) (object Object, err error) {
	err = r.do(ctx, "stat", key, func() error {
		object, err = r.Bucket.Stat(ctx, key)
		return err
	})
	return object, err
}

// Delete implements Bucket.
func (r *retrying) Delete(ctx context.Context, key string) error {
	return r.do(ctx, "delete", key, func() error { return r.Bucket.Delete(ctx, key) })
}

// Properties implements Bucket.
func (r *retrying) Properties(ctx context.Context) (properties Properties, err error) {
	err = r.do(ctx, "probe", "", func() error {
		properties, err = r.Bucket.Properties(ctx)
		return err
	})
	return properties, err
}

// List implements Bucket.
func (r *retrying) List(ctx context.Context, prefix, from string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		a := attempts{options: r.options}
		defer a.over()
		for {
			failure := error(nil)
			for object, err := range r.Bucket.List(ctx, prefix, from) {
				if err != nil {
					failure = err
					break
				}
				a.over()
				if !yield(object, nil) {
					return
				}
				from = object.Key + "\x00" // the smallest string behind the key
			}
			if failure == nil {
				return
			}
			if err := a.again(ctx, "list", prefix, failure); err != nil {
				yield(Object{}, err)
				return
			}
		}
	}
}
