package storagetest

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/tripod-db/tripod/storage"
)

// Crash ends the process, as far as the store can see, once size bytes were sent to it: the
// put under way fails inside its body, and every call from then on with ErrCrashed. What was
// stored before stays; the next process opens the same store.
func Crash(b storage.Bucket, size int64) *Faulty {
	var sent atomic.Int64
	crashed := func() error {
		if sent.Load() > size {
			return ErrCrashed
		}
		return nil
	}
	return &Faulty{
		Bucket: b,
		Before: func(context.Context, Operation, string) error { return storage.Permanent(crashed()) },
		Sent: func(key string, body io.Reader) io.Reader {
			return readFunc(func(p []byte) (int, error) {
				n, err := body.Read(p)
				sent.Add(int64(n))
				if crashed() != nil {
					return 0, storage.Permanent(fmt.Errorf("put %s: %w", key, ErrCrashed))
				}
				return n, err
			})
		},
	}
}
