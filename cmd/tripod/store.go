package main

import (
	"context"
	"errors"
	"net/url"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/file"
)

// openStore opens the store that --store names. Commands that write make a missing store;
// for the others it is exit 10.
func (inv *invocation) openStore(raw string, create bool) (*catalog.Catalog, func() error, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, nil, fault.New(fault.CodeUsage, fault.KindUsage, "write --store file:///path", "store URL is malformed")
	}
	var driver storage.Bucket
	switch u.Scheme {
	case "file":
		driver, err = file.OpenURL(u, file.Options{Create: create})
	default:
		err = fault.New(fault.CodeUsage, fault.KindUsage, "write --store file:///path", "store URL %s: no driver for scheme %q", u.Redacted(), u.Scheme)
	}
	if err != nil {
		return nil, nil, err
	}
	bucket := storage.Stack(driver, storage.Options{Bandwidth: storage.NewBandwidth(int64(inv.global.bandwidth)), Retry: storage.RetryOptions{
		OnRetry: func(operation, key string, err error) {
			inv.log.Warn("the store failed, trying again", "operation", operation, "object", key, "error", err)
		},
		Waits: func(operation, key string) (over func()) {
			return inv.board.Waits("for the store, to " + operation + " " + key)
		},
	}})
	return catalog.New(bucket), bucket.Close, nil
}

// closing joins the error of a clean-up to a command's own.
func closing(err *error, end func() error) { *err = errors.Join(*err, end()) }

// ctxErr prefers the cause of an ended context: a signal is no failure of what it cut short.
func ctxErr(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return context.Cause(ctx)
	}
	return err
}
