package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
)

// A document is an indented JSON object whose last member, "sha256", is the hash of all bytes
// in front of the comma before it. So a changed byte is found, not only broken syntax, and
// the file stays plain JSON that any tool reads.
const (
	sealHead = ",\n  \"sha256\": \""
	sealTail = "\"\n}\n"
	sealSize = len(sealHead) + 2*sha256.Size + len(sealTail)
)

// ErrNewerVersion: a document was written by a newer tripod.
var ErrNewerVersion = errors.New("format is newer than this program")

// encode renders v, a struct with at least one member, as a document.
func encode(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	body, isObject := bytes.CutSuffix(text, []byte("\n}"))
	if !isObject {
		return nil, fmt.Errorf("encode document: %T is no struct with members", v)
	}
	sum := sha256.Sum256(body)
	document := append(body, sealHead...)
	document = hex.AppendEncode(document, sum[:])
	return append(document, sealTail...), nil
}

// decode reads the document that lies under key into v. newest is the greatest version that
// this program understands. A newer one is told first: its seal may be another.
func decode(key string, document []byte, newest int, v any) error {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(document, &head); err != nil {
		return storage.Altered(key, "is no whole JSON document: %w", err)
	}
	if head.Version > newest {
		return newer(key, fmt.Errorf("version %d, this tripod reads up to %d: %w", head.Version, newest, ErrNewerVersion))
	}
	if head.Version < 1 {
		return storage.Altered(key, "names no version")
	}
	if err := checkSeal(document); err != nil {
		return storage.Altered(key, "%w", err)
	}
	if err := json.Unmarshal(document, v); err != nil {
		return storage.Altered(key, "does not hold what it should: %w", err)
	}
	return nil
}

func checkSeal(document []byte) error {
	at := len(document) - sealSize
	if at < 0 || !bytes.HasPrefix(document[at:], []byte(sealHead)) || !bytes.HasSuffix(document, []byte(sealTail)) {
		return errors.New("does not end with its SHA-256")
	}
	sum := sha256.Sum256(document[:at])
	said := document[at+len(sealHead) : len(document)-len(sealTail)]
	if hex.EncodeToString(sum[:]) != string(said) {
		return errors.New("does not match its SHA-256: it was changed after it was written")
	}
	return nil
}

// newer is the fault of an object that a newer tripod wrote.
func newer(key string, err error) error {
	return fault.New(fault.CodeFailed, fault.KindVersion, "use a newer tripod to read this store", "read %s: %w", key, err)
}
