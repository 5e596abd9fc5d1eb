package storagetest

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/tripod-db/tripod/storage"
)

// Flip gives objects whose key contains part with one bit of the byte at offset turned.
func Flip(b storage.Bucket, part string, offset int64) *Faulty {
	return &Faulty{Bucket: b, Body: func(key string, body io.Reader) io.Reader {
		if !strings.Contains(key, part) {
			return body
		}
		at := int64(0)
		return readFunc(func(p []byte) (int, error) {
			n, err := body.Read(p)
			if at <= offset && offset < at+int64(n) {
				p[offset-at] ^= 1
			}
			at += int64(n)
			return n, err
		})
	}}
}

// Truncate gives objects whose key contains part as if they ended after size bytes.
func Truncate(b storage.Bucket, part string, size int64) *Faulty {
	return &Faulty{Bucket: b, Body: func(key string, body io.Reader) io.Reader {
		if !strings.Contains(key, part) {
			return body
		}
		return io.LimitReader(body, size)
	}}
}

// Append gives objects whose key contains part with text behind them.
func Append(b storage.Bucket, part, text string) *Faulty {
	return &Faulty{Bucket: b, Body: func(key string, body io.Reader) io.Reader {
		if !strings.Contains(key, part) {
			return body
		}
		return io.MultiReader(body, strings.NewReader(text))
	}}
}

// Full takes size bytes in all, then every put fails with storage.ErrFull.
func Full(b storage.Bucket, size int64) *Faulty {
	var taken atomic.Int64
	return &Faulty{Bucket: b, Sent: func(key string, body io.Reader) io.Reader {
		return readFunc(func(p []byte) (int, error) {
			n, err := body.Read(p)
			if taken.Add(int64(n)) > size {
				return 0, fmt.Errorf("put %s: %w", key, storage.ErrFull)
			}
			return n, err
		})
	}}
}
