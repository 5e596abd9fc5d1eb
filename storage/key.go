package storage

import (
	"errors"
	"fmt"
	"strings"
)

// ErrKey: a key outside the contract's alphabet. It is a mistake of the program, never of the store.
var ErrKey = errors.New("key is not valid")

// CheckKey returns ErrKey unless key can name an object: parts of [A-Za-z0-9_.~%-] between
// "/", none of them empty, "." or "..". Every driver calls it before it does anything.
func CheckKey(key string) error {
	for part := range strings.SplitSeq(key, "/") {
		if !ValidPart(part) {
			return fmt.Errorf("key %q: %w", key, ErrKey)
		}
	}
	return nil
}

// ValidPart tells whether s can stand between the slashes of a key. What a driver finds in a
// store under any other name is not tripod's and is not listed.
func ValidPart(s string) bool {
	if s == "" || s == "." || s == ".." {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '_', c == '-', c == '.', c == '~', c == '%':
		default:
			return false
		}
	}
	return true
}
