package storage

import (
	"context"
	"io"
	"time"

	"golang.org/x/time/rate"
)

// Bandwidth is a bound of the bytes per second, shared by everything that it is given to: all
// objects that are written and read, whatever they hold. Safe for concurrent use.
type Bandwidth struct{ limiter *rate.Limiter }

const (
	// burstTime is the share of a second that may pass at once: what waits behind others, such as a
	// lease's beat behind chunks, waits for that long for each of them.
	burstTime = 20 // a twentieth
	// largestBurst bounds it for fast stores, smallestBurst for slow ones.
	largestBurst, smallestBurst = 1 << 20, 512
)

// NewBandwidth bounds to bytesPerSecond; nil, which bounds nothing, for 0.
func NewBandwidth(bytesPerSecond int64) *Bandwidth {
	if bytesPerSecond <= 0 {
		return nil
	}
	burst := int(max(min(bytesPerSecond/burstTime, largestBurst), smallestBurst))
	return &Bandwidth{limiter: rate.NewLimiter(rate.Limit(bytesPerSecond), burst)}
}

// pass waits until n bytes, at most a burst, may pass.
func (l *Bandwidth) pass(ctx context.Context, n int) error {
	if n <= 0 {
		return nil
	}
	reserved := l.limiter.ReserveN(time.Now(), n)
	delay := reserved.Delay()
	if delay == 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		reserved.Cancel()
		return ctx.Err()
	}
}

// Limit is the layer that keeps what is put into a store and got from it within a bandwidth.
// Bytes are paid for when they have passed, so an idle store answers at once; a body that is sent
// again is paid for again. Listings and deletions are not bounded.
func Limit(b Bucket, bandwidth *Bandwidth) Bucket {
	return &limited{Bucket: b, bandwidth: bandwidth}
}

type limited struct {
	Bucket
	bandwidth *Bandwidth
}

// Put implements Bucket.
func (l *limited) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	return l.Bucket.Put(ctx, key, l.slow(ctx, body), size)
}

// PutIfAbsent implements Bucket.
func (l *limited) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	return l.Bucket.PutIfAbsent(ctx, key, l.slow(ctx, body), size)
}

// Get implements Bucket.
func (l *limited) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	object, err := l.Bucket.Get(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	return slowCloser{slowReader: l.slow(ctx, object), Closer: object}, nil
}

func (l *limited) slow(ctx context.Context, r io.Reader) slowReader {
	return slowReader{reader: r, burst: l.bandwidth.limiter.Burst(), pass: func(n int) error { return l.bandwidth.pass(ctx, n) }}
}

// slowReader reads in pieces of at most a burst and waits for each.
type slowReader struct {
	reader io.Reader
	burst  int
	pass   func(n int) error
}

// Read returns what has been paid for.
func (s slowReader) Read(p []byte) (int, error) {
	n, err := s.reader.Read(p[:min(len(p), s.burst)])
	if waited := s.pass(n); waited != nil {
		return n, waited
	}
	return n, err
}

type slowCloser struct {
	slowReader
	io.Closer
}
