package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// pieceSize is how many bytes of a file a step of the index holds at least, where the file's
// segments are smaller: a reader that needs one entry reads as much.
const pieceSize = 256 << 10

// groups are the runs of parts, as numbers of the first and behind the last, whose bytes go into
// one object of at most so many bytes of the file. Where parts overlap a new one begins; a run of
// fewer than least parts is not worth it, its parts stay by themselves.
func groups(parts []part, size uint64, least int) (list [][2]int) {
	for i := 0; i < len(parts); {
		n, start := i+1, parts[i].Start
		for n < len(parts) && parts[n].Start == parts[n].from && parts[n].End-start <= size {
			n++
		}
		if n-i >= least {
			list = append(list, [2]int{i, n})
			i = n
		}
		for ; i < n; i++ {
			list = append(list, [2]int{i, i + 1})
		}
	}
	return list
}

func (k *keeper) groups(parts []part) [][2]int {
	return groups(parts, k.config.timing.compactSize, k.config.timing.compactLeast)
}

// large is an object in the making: its header with what the index says of its parts.
type large struct {
	header segment.Header
	pieces []catalog.IndexSegment // with offsets from the end of the frame
	refs   []catalog.SegmentRef
	bodies []int64 // the lengths of the frames in front of the parts' compressed bytes
}

// compact puts the bytes of a file's segments into large ones, reads these back, and then puts
// the index that names them. The small ones stay for as long as readers may go by old listings.
func (k *keeper) compact(ctx context.Context, c *closed) error {
	x := c.index()
	x.Segments = nil
	open := c.openXA
	for _, g := range k.groups(c.parts) {
		object := len(x.Objects)
		var pieces []catalog.IndexSegment
		if parts := c.parts[g[0]:g[1]]; len(parts) == 1 {
			h, err := k.header(ctx, c, g[0])
			if err != nil {
				return err
			}
			x.Objects = append(x.Objects, catalog.NewIndexObject(parts[0].SegmentRef))
			pieces = []catalog.IndexSegment{{Header: h, Offset: parts[0].Size - int64(h.StoredBytes)}}
		} else {
			var headers []segment.Header
			if c.headers != nil {
				headers = c.headers[g[0]:g[1]]
			}
			l, ref, err := k.putLarge(ctx, parts, headers)
			if err != nil {
				return err
			}
			x.Objects, pieces = append(x.Objects, catalog.NewIndexObject(ref)), l.pieces
		}
		for _, p := range pieces {
			p.Object, p.OpenXAAtStart = object, open
			x.Segments, open = append(x.Segments, p), p.OpenXA
		}
	}
	return k.putIndex(ctx, x)
}

// putLarge makes one object of several segments and proves that it holds what they hold. headers are
// theirs where more is known than their frames say.
func (k *keeper) putLarge(ctx context.Context, parts []part, headers []segment.Header) (*large, catalog.SegmentRef, error) {
	l, err := k.join(ctx, parts, headers)
	if err != nil {
		return nil, catalog.SegmentRef{}, err
	}
	l.header.Epoch = k.tenure.epoch()
	frame, err := segment.Frame(l.header)
	if err != nil {
		return nil, catalog.SegmentRef{}, err
	}
	h := &l.header
	ref := catalog.SegmentRef{
		Key:      catalog.SegmentKey(k.config.Instance, h.Timeline, h.File, h.Start, h.End),
		Timeline: h.Timeline, File: h.File, Start: h.Start, End: h.End,
	}
	if err := k.tenure.check(ctx); err != nil {
		return nil, ref, err
	}
	body := &joinedBody{frame: frame, sizes: l.bodySizes(), open: func(i int) (io.ReadCloser, error) {
		return k.config.Catalog.OpenSegmentRange(ctx, l.refs[i], l.bodies[i], -1)
	}}
	err = k.config.Catalog.PutLargeSegment(ctx, k.config.Instance, ref, body, int64(len(frame))+int64(h.StoredBytes))
	if err = errors.Join(err, body.close()); err != nil {
		return nil, ref, err
	}
	failpoint.Inject("enlarged", nil)
	if ref.Size, err = k.compare(ctx, ref, h); err != nil {
		return nil, ref, k.withdraw(ctx, ref, err)
	}
	failpoint.Inject("compared", nil)
	for i := range l.pieces {
		l.pieces[i].Offset += ref.Size - int64(h.StoredBytes)
	}
	return l, ref, nil
}

// join reads the segments, proves each, and adds them up.
func (k *keeper) join(ctx context.Context, parts []part, headers []segment.Header) (*large, error) {
	l := &large{}
	whole := sha256.New()
	var piece hash.Hash
	for i, p := range parts {
		if piece == nil {
			piece = sha256.New()
		}
		h, err := k.hash(ctx, p.SegmentRef, whole, piece)
		if err != nil {
			return nil, err
		}
		if headers != nil {
			h.Content, h.Format = headers[i].Content, headers[i].Format // earlier versions do not know them
		}
		l.refs, l.bodies = append(l.refs, p.SegmentRef), append(l.bodies, p.Size-int64(h.StoredBytes))
		at := int64(l.header.StoredBytes)
		if err := add(&l.header, h, i == 0); err != nil {
			return nil, err
		}
		if n := len(l.pieces); n > 0 && l.pieces[n-1].End-l.pieces[n-1].Start < pieceSize {
			if err := add(&l.pieces[n-1].Header, h, false); err != nil {
				return nil, err
			}
		} else {
			l.pieces = append(l.pieces, catalog.IndexSegment{Header: h, Offset: at})
		}
		if last := &l.pieces[len(l.pieces)-1]; last.End-last.Start >= pieceSize || i == len(parts)-1 {
			piece.Sum(last.StoredSHA256[:0])
			piece = nil
		}
	}
	whole.Sum(l.header.StoredSHA256[:0])
	return l, nil
}

// add adds a segment's header to that of those before it.
func add(h *segment.Header, next segment.Header, first bool) error {
	if first {
		*h = next
		return nil
	}
	h.StoredBytes += next.StoredBytes
	return h.Append(&next)
}

// hash reads a segment as it is stored, proves it and hashes what lies behind its frame.
func (k *keeper) hash(ctx context.Context, ref catalog.SegmentRef, into ...io.Writer) (_ segment.Header, err error) {
	r, err := k.config.Catalog.OpenSegment(ctx, ref)
	if err != nil {
		return segment.Header{}, missing(ref.Key, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	object := &faultReader{r, ref.Key}
	h, err := segment.DecodeHeader(object)
	if err == nil {
		err = ref.Fits(h)
	}
	if err == nil {
		err = segment.CheckBody(h, io.TeeReader(object, io.MultiWriter(into...)))
	}
	return h, damaged(ref, err)
}

func (l *large) bodySizes() []int64 {
	sizes := make([]int64, len(l.refs))
	for i, ref := range l.refs {
		sizes[i] = ref.Size - l.bodies[i]
	}
	return sizes
}

// errNotTheSame: what was read back is not what was put.
var errNotTheSame = errors.New("does not hold the bytes of the segments that it was made of")

// compare reads a large object back, expands it and proves its bytes. It returns its size.
func (k *keeper) compare(ctx context.Context, ref catalog.SegmentRef, want *segment.Header) (size int64, err error) {
	r, err := k.config.Catalog.OpenSegment(ctx, ref)
	if err != nil {
		return 0, missing(ref.Key, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	counted := &countingReader{r: &faultReader{r, ref.Key}}
	h, err := segment.Check(counted)
	if err == nil {
		err = ref.Fits(h)
	}
	if err == nil && (h.SHA256Start != want.SHA256Start || h.SHA256End != want.SHA256End || h.StoredBytes != want.StoredBytes || h.StoredSHA256 != want.StoredSHA256) {
		err = storage.Altered(ref.Key, "%w", errNotTheSame)
	}
	return counted.n, damaged(ref, err)
}

// withdraw takes a large object away that is not what it should be: it would stand in front of
// the segments that it was made of, all of which are there.
func (k *keeper) withdraw(ctx context.Context, ref catalog.SegmentRef, cause error) error {
	if fault.Of(cause).Kind != fault.KindIntegrity {
		return cause
	}
	if err := k.tenure.check(ctx); err != nil {
		return err
	}
	if err := k.config.Catalog.DeleteSegment(ctx, ref); err != nil {
		return err
	}
	// Not as a fault of the archive: nothing is lost, and it is tried again.
	return fault.New(fault.CodeFailed, fault.KindStore, "look whether the store alters what it is given",
		"read back %s to %d, which is taken away again: %s", binlog.Position{Timeline: ref.Timeline, File: ref.File, Pos: ref.Start}, ref.End, cause.Error())
}

type countingReader struct {
	r io.Reader
	n int64
}

// Read implements io.Reader.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// joinedBody is a large object's bytes: its frame, and behind it those of several objects.
type joinedBody struct {
	frame []byte
	sizes []int64
	open  func(i int) (io.ReadCloser, error)

	at   int64 // in the whole
	next int   // the object to open
	left int64 // of the open one
	part io.ReadCloser
}

// Seek implements io.Seeker for what a retry needs: to tell the place, and to begin again.
func (b *joinedBody) Seek(offset int64, whence int) (int64, error) {
	switch {
	case whence == io.SeekCurrent && offset == 0:
		return b.at, nil
	case whence == io.SeekStart && offset == 0:
		err := b.close()
		b.at, b.next = 0, 0
		return 0, err
	}
	return 0, fmt.Errorf("seek in a segment that is put together: %w", errors.ErrUnsupported)
}

// Read implements io.Reader.
func (b *joinedBody) Read(p []byte) (int, error) {
	if b.at < int64(len(b.frame)) {
		n := copy(p, b.frame[b.at:])
		b.at += int64(n)
		return n, nil
	}
	for b.left == 0 {
		if err := b.close(); err != nil {
			return 0, err
		}
		if b.next == len(b.sizes) {
			return 0, io.EOF
		}
		var err error
		if b.part, err = b.open(b.next); err != nil {
			return 0, err
		}
		b.left = b.sizes[b.next]
		b.next++
	}
	n, err := b.part.Read(p[:min(int64(len(p)), b.left)])
	b.at += int64(n)
	b.left -= int64(n)
	if errors.Is(err, io.EOF) && b.left > 0 {
		return n, io.ErrUnexpectedEOF
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (b *joinedBody) close() error {
	if b.part == nil {
		return nil
	}
	err := b.part.Close()
	b.part, b.left = nil, 0
	return err
}
