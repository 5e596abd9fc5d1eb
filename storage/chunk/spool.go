package chunk

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// spoolBlock is the unit in which a stored chunk is kept in memory until it is in the store.
const spoolBlock = 256 << 10

// spoolKept is how many blocks stay for the next chunk: 4 MiB. What is kept here no budget
// knows of.
const spoolKept = 4 << 20 / spoolBlock

// spoolBlocks are blocks between two chunks, of whatever writers: what is left to the garbage
// collector stays for a while (promise 8).
var spoolBlocks sync.Pool

func takeBlock() []byte {
	if b, ok := spoolBlocks.Get().(*[spoolBlock]byte); ok {
		return b[:]
	}
	return make([]byte, spoolBlock)
}

// spool holds a chunk as it will be stored. It grows by blocks, so nothing is ever copied to
// make room.
type spool struct {
	blocks [][]byte
	size   int64
}

// Write appends p; it never fails.
func (s *spool) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		block, at := int(s.size/spoolBlock), int(s.size%spoolBlock)
		if block == len(s.blocks) {
			s.blocks = append(s.blocks, takeBlock())
		}
		copied := copy(s.blocks[block][at:], p)
		s.size += int64(copied)
		p = p[copied:]
	}
	return n, nil
}

func (s *spool) reset() {
	if len(s.blocks) > spoolKept {
		for _, b := range s.blocks[spoolKept:] {
			spoolBlocks.Put((*[spoolBlock]byte)(b))
		}
		clear(s.blocks[spoolKept:])
		s.blocks = s.blocks[:spoolKept]
	}
	s.size = 0
}

// reader reads the spool from its start, as often as a retry needs.
func (s *spool) reader() *spoolReader { return &spoolReader{spool: s} }

type spoolReader struct {
	spool *spool
	at    int64
}

func (r *spoolReader) Read(p []byte) (int, error) {
	if r.at >= r.spool.size {
		return 0, io.EOF
	}
	block, at := r.at/spoolBlock, r.at%spoolBlock
	end := min(r.spool.size-block*spoolBlock, spoolBlock)
	n := copy(p, r.spool.blocks[block][at:end])
	r.at += int64(n)
	return n, nil
}

func (r *spoolReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.spool.size
	case io.SeekStart:
	default:
		return 0, fmt.Errorf("seek in a spooled chunk: whence %d", whence)
	}
	if offset < 0 {
		return 0, errors.New("seek in a spooled chunk: before its start")
	}
	r.at = offset
	return offset, nil
}
