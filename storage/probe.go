package storage

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// Trial is one operation that Probe has tried out; Err is nil where it did what the contract says.
type Trial struct {
	Operation string // list, put, get, stat, put-if-absent, delete
	Err       error
}

// probePrefix begins the keys of a probe. No instance has such a folder: they are objects.
const probePrefix = "tripod-probe-"

// probeCleanup bounds the removal of a probe's objects, which a signal does not cut short.
const probeCleanup = 10 * time.Second

// Probe tries out every operation that tripod needs of a store, with two small objects that it
// removes again. What cannot be tried since another operation failed is left out.
func Probe(ctx context.Context, b Bucket) []Trial {
	random := make([]byte, 8)
	rand.Read(random) // never fails: crypto/rand ends the program instead
	p := &probe{bucket: b, key: probePrefix + hex.EncodeToString(random), body: []byte("tripod check: may be removed\n")}
	return p.run(ctx)
}

type probe struct {
	bucket Bucket
	key    string
	body   []byte
	trials []Trial
}

func (p *probe) second() string { return p.key + "-2" }

// try notes an operation and tells whether it did what it should.
func (p *probe) try(operation string, err error) bool {
	p.trials = append(p.trials, Trial{Operation: operation, Err: err})
	return err == nil
}

func (p *probe) run(ctx context.Context) []Trial {
	p.try("list", p.list(ctx, "", false))
	if !p.try("put", p.put(ctx)) {
		return p.trials
	}
	p.try("get", p.get(ctx))
	p.try("stat", p.stat(ctx))
	if p.trials[0].Err == nil {
		p.trials[0].Err = p.list(ctx, p.key, true)
	}
	p.try("put-if-absent", p.putIfAbsent(ctx))
	p.try("delete", p.remove(ctx))
	return p.trials
}

func (p *probe) put(ctx context.Context) error {
	err := p.bucket.Put(ctx, p.key, bytes.NewReader(p.body), int64(len(p.body)))
	if err != nil {
		// It may be there all the same.
		if removed := p.remove(ctx); removed != nil && !errors.Is(removed, ErrReadOnly) {
			return errors.Join(err, removed)
		}
	}
	return err
}

func (p *probe) get(ctx context.Context) (err error) {
	r, err := p.bucket.Get(ctx, p.key, 7, -1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	got, err := io.ReadAll(r)
	if err == nil && !bytes.Equal(got, p.body[7:]) {
		err = errors.New("the store gave other bytes than it was given")
	}
	return err
}

func (p *probe) stat(ctx context.Context) error {
	o, err := p.bucket.Stat(ctx, p.key)
	if err == nil && o.Size != int64(len(p.body)) {
		err = fmt.Errorf("the store says %d bytes of an object of %d", o.Size, len(p.body))
	}
	return err
}

// list looks for the probe's object, or merely whether anything can be listed.
func (p *probe) list(ctx context.Context, prefix string, want bool) error {
	for o, err := range p.bucket.List(ctx, prefix, "") {
		if err != nil {
			return err
		}
		if !want || o.Key == p.key {
			return nil
		}
	}
	if want {
		return errors.New("an object that was put does not appear in a listing")
	}
	return nil
}

func (p *probe) putIfAbsent(ctx context.Context) error {
	properties, err := p.bucket.Properties(ctx)
	if err != nil {
		return err
	}
	if !properties.PutIfAbsent {
		return ErrNoConditionalPut
	}
	other := []byte("another one\n")
	put := func(key string) error {
		return p.bucket.PutIfAbsent(ctx, key, bytes.NewReader(other), int64(len(other)))
	}
	switch err := put(p.key); {
	case err == nil:
		return errors.New("an object that was there has been replaced")
	case !errors.Is(err, ErrExists):
		return err
	}
	return put(p.second())
}

// remove deletes the objects, also when ctx has ended.
func (p *probe) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeCleanup)
	defer cancel()
	err := errors.Join(p.bucket.Delete(ctx, p.key), p.bucket.Delete(ctx, p.second()))
	if err != nil {
		return err
	}
	if _, err := p.bucket.Stat(ctx, p.key); !errors.Is(err, ErrNotFound) {
		return errors.Join(fmt.Errorf("the object %s was deleted and is still there", p.key), err)
	}
	return nil
}
