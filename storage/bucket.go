package storage

import (
	"context"
	"errors"
	"io"
	"iter"
)

// Sentinels of the contract. Drivers wrap them with %w; callers use errors.Is.
var (
	// ErrNotFound: no object of that key. A prefix without objects is no error, it is empty.
	ErrNotFound = errors.New("object not found")
	// ErrExists: PutIfAbsent met an object of that key.
	ErrExists = errors.New("object exists")
	// ErrReadOnly: the store refuses writes (permission, read-only mount, credentials).
	ErrReadOnly = errors.New("store is not writable")
	// ErrFull: no space or quota left. Retrying helps only after somebody made room.
	ErrFull = errors.New("store is full")
	// ErrNoConditionalPut: the store cannot put if absent; see Properties.
	ErrNoConditionalPut = errors.New("store has no put-if-absent")
)

// Object is one stored object. Size is in bytes.
type Object struct {
	Key  string
	Size int64
}

// Properties are facts about a store, probed and never assumed.
type Properties struct {
	// PutIfAbsent: of several concurrent PutIfAbsent of one key exactly one succeeds.
	PutIfAbsent bool
}

// Bucket is a flat space of immutable objects under keys with "/" between their parts.
// Keys are made of [A-Za-z0-9_.~%-] and "/", with no empty, "." or ".." part.
//
// Contract for whoever writes a driver:
//   - An object is seen whole or not at all, by every reader, also after a crash of either
//     side at any moment. When Put returns nil the object survives a power cut.
//   - Put replaces. PutIfAbsent fails with ErrExists and then has changed nothing.
//   - Put and PutIfAbsent read body to its end once; they do not retry: the layer above
//     does, with a new reader. size is the body's length, or -1 where it is not known.
//     A body that ends before size, or fails, leaves no object.
//   - Get returns length bytes from offset, or to the end for length < 0; a range that
//     reaches behind the end is cut; an offset behind the end is an error. A reader that ends
//     early returns io.ErrUnexpectedEOF, never a short success.
//   - List yields every object whose key starts with prefix (a plain string prefix) in byte
//     order of the keys, each once. Objects put or deleted meanwhile may or may not appear.
//     ListFrom semantics: only keys >= from are yielded, from "" for all.
//   - Delete of a missing object is no error.
//   - Not-found is ErrNotFound from Get and Stat, always.
//   - All methods are safe for concurrent use and end soon after ctx ends, with its error.
type Bucket interface {
	Put(ctx context.Context, key string, body io.Reader, size int64) error
	PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error
	Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	Stat(ctx context.Context, key string) (Object, error)
	List(ctx context.Context, prefix, from string) iter.Seq2[Object, error]
	Delete(ctx context.Context, key string) error
	// Properties probes on first use and remembers.
	Properties(ctx context.Context) (Properties, error)
	// Close ends what the driver holds open.
	Close() error
}
