package binlog_test

import (
	"crypto/sha256"
	"testing"

	"pgregory.net/rapid"

	"github.com/tripod-db/tripod/binlog"
)

func TestChainIsTheSameHoweverTheBytesAreCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(t, "pieces")
		chain, whole := binlog.NewChain(), []byte{}
		for _, p := range pieces {
			state, err := chain.AppendState(nil)
			if err != nil {
				t.Fatal(err)
			}
			if chain, err = binlog.ResumeChain(state); err != nil {
				t.Fatal(err)
			}
			if chain.Offset() != uint64(len(whole)) {
				t.Fatalf("offset %d, want %d", chain.Offset(), len(whole))
			}
			if _, err := chain.Write(p); err != nil {
				t.Fatal(err)
			}
			whole = append(whole, p...)
			if got, want := chain.Sum(), binlog.Digest(sha256.Sum256(whole)); got != want {
				t.Fatalf("sum %s, want %s", got, want)
			}
		}
	})
}

func TestChainRefusesForeignState(t *testing.T) {
	chain := binlog.NewChain()
	if _, err := chain.Write([]byte("bytes")); err != nil {
		t.Fatal(err)
	}
	state, err := chain.AppendState(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []binlog.ChainState{state[:50], append([]byte("xxxx"), state[4:]...), append(state[:len(state):len(state)], 0)} {
		if _, err := binlog.ResumeChain(bad); err == nil {
			t.Errorf("state of %d bytes accepted", len(bad))
		}
	}
}

func TestDigestText(t *testing.T) {
	text, err := binlog.EmptyDigest.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var d binlog.Digest
	if err := d.UnmarshalText(text); err != nil || d != binlog.EmptyDigest {
		t.Fatalf("%s: %v", d, err)
	}
	for _, bad := range []string{"", "00", string(text[:63]) + "g", string(text) + "00"} {
		if err := d.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}
