package stream

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
)

// The servers of the tests have no plugin that holds keys, so the event is made here. MariaDB sends it behind the
// format description of an encrypted file, also when encrypt_binlog is OFF by then.
func TestEncryptedFileIsRefused(t *testing.T) {
	raw := make([]byte, eventHeader+1+4+12) // scheme, version of the key, nonce
	raw[4] = typeStartEncryption
	binary.LittleEndian.PutUint32(raw[9:], uint32(len(raw)))
	binary.LittleEndian.PutUint32(raw[13:], uint32(4+len(raw)))
	s := &Stream{file: "binlog.000001", pos: 4, format: []byte{0}, mariadb: true}
	_, _, err := s.take(raw)
	if f := fault.Of(err); f == nil || f.Kind != fault.KindSource || !strings.Contains(f.Error(), "binlog.000001 is encrypted") || !strings.Contains(f.Hint, "encrypt_binlog=OFF") {
		t.Errorf("error %v", err)
	}
}
