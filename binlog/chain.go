package binlog

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
)

// Digest is a SHA-256 value; its text form is lower-case hex.
type Digest [sha256.Size]byte

// EmptyDigest is the digest of no bytes: the chain at the start of every file.
var EmptyDigest = Digest(sha256.Sum256(nil))

// String prints hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes hex.
func (d Digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText reads hex of exactly 32 bytes.
func (d *Digest) UnmarshalText(b []byte) error {
	if len(b) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("read SHA-256: %d digits, want %d", len(b), hex.EncodedLen(len(d)))
	}
	if _, err := hex.Decode(d[:], b); err != nil {
		return fmt.Errorf("read SHA-256: %w", err)
	}
	return nil
}

// Chain is the running SHA-256 of one binlog file from its first byte. Whatever way the same
// bytes are cut, they give the same sums, so any segments of one history join.
type Chain struct {
	sum    hash.Hash
	offset uint64
}

// ChainState is the state of a Chain between two bytes, from which hashing goes on without the
// bytes before: what encoding.BinaryMarshaler of crypto/sha256 gives. Empty for the start of a file.
type ChainState []byte

// chainStateSize is the length of crypto/sha256's state: a magic of 4, eight words of 4, a block
// of 64, the length in 8 bytes.
const chainStateSize = 4 + 32 + 64 + 8

// ErrChainState: the state was made by another program, or altered.
var ErrChainState = errors.New("unreadable state of a SHA-256 chain")

// NewChain returns the chain at a file's start.
func NewChain() *Chain { return &Chain{sum: sha256.New()} }

// ResumeChain returns the chain as it was when State gave state.
func ResumeChain(state ChainState) (*Chain, error) {
	c := NewChain()
	if len(state) == 0 {
		return c, nil
	}
	u, ok := c.sum.(encoding.BinaryUnmarshaler)
	if !ok || len(state) != chainStateSize {
		return nil, fmt.Errorf("resume chain: %d bytes: %w", len(state), ErrChainState)
	}
	if err := u.UnmarshalBinary(state); err != nil {
		return nil, fmt.Errorf("resume chain: %w: %w", ErrChainState, err)
	}
	c.offset = binary.BigEndian.Uint64(state[chainStateSize-8:])
	return c, nil
}

// Write adds the file's next bytes. It never fails.
func (c *Chain) Write(p []byte) (int, error) {
	c.offset += uint64(len(p))
	return c.sum.Write(p)
}

// Offset returns how many bytes of the file the chain holds.
func (c *Chain) Offset() uint64 { return c.offset }

// Sum returns the digest of the file's bytes from 0 to Offset; the chain goes on.
func (c *Chain) Sum() Digest {
	var d Digest
	c.sum.Sum(d[:0])
	return d
}

// AppendState appends the state to dst.
func (c *Chain) AppendState(dst ChainState) (ChainState, error) {
	if c.offset == 0 {
		return dst, nil
	}
	a, ok := c.sum.(encoding.BinaryAppender)
	if !ok {
		return nil, fmt.Errorf("save chain: %w", ErrChainState)
	}
	state, err := a.AppendBinary(dst)
	if err != nil {
		return nil, fmt.Errorf("save chain: %w", err)
	}
	return state, nil
}
