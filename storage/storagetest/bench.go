package storagetest

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// Bench measures a driver: small and large objects in and out, and a listing.
func Bench(b *testing.B, open Opener) {
	for _, size := range []int{4 << 10, 1 << 20, 16 << 20} {
		body := randomBytes(size)
		b.Run(fmt.Sprintf("Put/%dKiB", size>>10), func(b *testing.B) {
			bucket := open(b)
			b.SetBytes(int64(size))
			for n := 0; b.Loop(); n++ {
				if err := bucket.Put(b.Context(), fmt.Sprintf("bench/%d", n%16), bytes.NewReader(body), int64(size)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("Get/%dKiB", size>>10), func(b *testing.B) {
			bucket := open(b)
			Put(b, bucket, "bench/object", string(body))
			b.SetBytes(int64(size))
			for b.Loop() {
				r, err := bucket.Get(b.Context(), "bench/object", 0, -1)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, r); err != nil || n != int64(size) {
					b.Fatalf("read %d bytes, %v", n, err)
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("List/1000", func(b *testing.B) {
		bucket := open(b)
		for n := range 1000 {
			Put(b, bucket, fmt.Sprintf("bench/%d/%020d", n%10, n), "x")
		}
		for b.Loop() {
			if keys := Keys(b, bucket, "bench/", ""); len(keys) != 1000 {
				b.Fatalf("%d keys", len(keys))
			}
		}
	})
}
