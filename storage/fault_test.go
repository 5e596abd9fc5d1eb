package storage_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
)

func TestMissingNamesTheObjectOnce(t *testing.T) {
	cause := fmt.Errorf("read a/k: open /somewhere/a/k: %w", storage.ErrNotFound)
	err := storage.Missing("a/k", cause)
	if f := fault.Of(err); f.Code != fault.CodeDifference || f.Kind != fault.KindIntegrity || f.Hint == "" || f.Error() != "object a/k is missing" {
		t.Errorf("%+v", f)
	}
	if !errors.Is(err, storage.ErrNotFound) || !errors.Is(err, cause) {
		t.Errorf("%v lost its cause", err)
	}
}
