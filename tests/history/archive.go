package history

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// inUseFlag is the bit of a binlog file's first event that a server sets on disk while it
// writes the file, and never sends (LOG_EVENT_BINLOG_IN_USE_F); inUseOffset is its place: 4
// bytes of magic, 17 of the event's header.
const (
	inUseFlag   = 1
	inUseOffset = 4 + 17
)

// rotate lets the source close its binlog file and begin another.
func (h *run) rotate(ctx context.Context) error {
	if err := h.servers.Source.Exec(ctx, "FLUSH BINARY LOGS"); err != nil {
		return fmt.Errorf("rotate the binlog: %w", err)
	}
	return nil
}

// checkArchive compares the archive, which has come up to the source's end, with the source's
// binlog files: the segments of each file, decompressed and joined as the store's README says,
// are the file, and the server's own mysqlbinlog reads them.
func (h *run) checkArchive(ctx context.Context) error {
	files, err := h.servers.Source.BinlogFiles()
	if err != nil {
		return err
	}
	archived, err := h.archivedFiles()
	if err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
	joined := filepath.Join(h.folder, "joined")
	if err := os.Mkdir(joined, 0o700); err != nil {
		return err
	}
	var paths []string
	for i, file := range files {
		name := filepath.Base(file)
		segments, held := archived[name]
		if !held && len(paths) == 0 && i < len(files)-1 {
			continue // closed before the first archiver came
		}
		path := filepath.Join(joined, name)
		if err := join(segments, path); err != nil {
			return fmt.Errorf("join the segments of %s: %w", name, err)
		}
		if err := sameFile(file, path, i == len(files)-1); err != nil {
			return err
		}
		paths = append(paths, path)
		delete(archived, name)
	}
	for name := range archived {
		return fmt.Errorf("the archive holds %s, which the source never wrote", name)
	}
	if len(paths) < 2 {
		return fmt.Errorf("the archive holds %d of the source's %d files: no closed one to compare", len(paths), len(files))
	}
	h.report.Files = len(paths)
	if err := h.readByMysqlbinlog(ctx, paths); err != nil {
		return err
	}
	return h.wantNoHoles(ctx)
}

// segmentFile is one object of the archive: the bytes from start to end, exclusive.
type segmentFile struct {
	path       string
	start, end int64
}

// archivedFiles returns the segments of the only timeline, by binlog file.
func (h *run) archivedFiles() (map[string][]segmentFile, error) {
	binlogs := filepath.Join(h.folder, "store", instance, "binlog")
	timelines, err := os.ReadDir(binlogs)
	if err != nil {
		return nil, err
	}
	if len(timelines) != 1 {
		return nil, fmt.Errorf("%d timelines of one server that was never reset", len(timelines))
	}
	files := map[string][]segmentFile{}
	paths, err := filepath.Glob(filepath.Join(binlogs, timelines[0].Name(), "*", "*.seg"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		name, err := url.PathUnescape(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return nil, err
		}
		from, to, found := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".seg"), "-")
		start, startErr := strconv.ParseInt(from, 10, 64)
		end, endErr := strconv.ParseInt(to, 10, 64)
		if err := errors.Join(startErr, endErr); err != nil || !found {
			return nil, fmt.Errorf("segment %s is not named <start>-<end>.seg: %w", path, err)
		}
		files[name] = append(files[name], segmentFile{path, start, end})
	}
	return files, nil
}

// join writes the bytes of a file's segments: from each place on the longest that starts there.
func join(segments []segmentFile, path string) (err error) {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	slices.SortFunc(segments, func(a, b segmentFile) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end))
	})
	at := int64(0)
	for _, s := range segments {
		switch {
		case s.start < at:
			continue // another cut of bytes that are there already
		case s.start > at:
			return fmt.Errorf("nothing holds the bytes from %d to %d", at, s.start)
		}
		n, err := decompress(out, s.path)
		if err != nil {
			return fmt.Errorf("segment %s: %w", filepath.Base(s.path), err)
		}
		if n != s.end-s.start {
			return fmt.Errorf("segment %s holds %d bytes", filepath.Base(s.path), n)
		}
		at = s.end
	}
	return nil
}

func decompress(out io.Writer, path string) (int64, error) {
	in, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer in.Close() //nolint:errcheck // only read
	decoder, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return 0, err
	}
	defer decoder.Close()
	return io.Copy(out, decoder)
}

// sameFile compares by SHA-256. The file that the source still writes carries a mark on disk
// that it does not send.
func sameFile(source, joined string, open bool) error {
	want, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	got, err := os.ReadFile(joined)
	if err != nil {
		return err
	}
	if open && len(want) > inUseOffset {
		want[inUseOffset] &^= inUseFlag
	}
	wantSum, gotSum := sha256.Sum256(want), sha256.Sum256(got)
	if wantSum == gotSum {
		return nil
	}
	at := 0
	for at < min(len(want), len(got)) && want[at] == got[at] {
		at++
	}
	return fmt.Errorf("%s of the archive is not the source's: %d bytes of SHA-256 %s, the source has %d of %s; they differ from byte %d on",
		filepath.Base(source), len(got), hex.EncodeToString(gotSum[:]), len(want), hex.EncodeToString(wantSum[:]), at)
}

// readByMysqlbinlog has the stock program read the joined files, checksums verified.
func (h *run) readByMysqlbinlog(ctx context.Context, paths []string) error {
	install, err := mysqltest.Find(h.kind().reader)
	if err != nil {
		return err
	}
	program, err := install.Program(h.kind().readerName)
	if err != nil {
		return err
	}
	args := append([]string{"--no-defaults", "--verify-binlog-checksum"}, h.features.flags(func(f *Feature) []string { return f.LogArgs })...)
	cmd := exec.CommandContext(ctx, program, append(args, paths...)...)
	text := newLogCensus(h.features)
	var errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = text, &errs
	err = cmd.Run()
	h.report.cost.ended(h.kind().readerName, cmd.ProcessState)
	if err != nil {
		return fmt.Errorf("mysqlbinlog of the archive: %w: %s", err, lastLines(errs.String(), 5))
	}
	if text.bytes == 0 || strings.Contains(errs.String(), "ERROR") {
		return fmt.Errorf("mysqlbinlog read %d bytes of text out of the archive: %s", text.bytes, lastLines(errs.String(), 5))
	}
	for feature, n := range text.found {
		h.census.add(feature, byLog, n)
	}
	return nil
}

// wantNoHoles asks tripod itself: one unbroken stretch, no hole.
func (h *run) wantNoHoles(ctx context.Context) error {
	var result struct {
		Instances []struct {
			Name        string
			Holes       []any
			Recoverable []any
		}
	}
	if _, err := h.prog.must(ctx, &result, "list", "--store", h.store(), "--instance", instance); err != nil {
		return err
	}
	most := 1
	if h.endsRanges() || h.features.has(rowImages.Name) {
		// A statement ends the range of a backup that was killed when it was done, and so does, for list, a row without columns of a table
		// that has another name by then (docs/limits.md); that of the next one begins behind it.
		most = 2
	}
	if len(result.Instances) != 1 || len(result.Instances[0].Holes) != 0 || len(result.Instances[0].Recoverable) == 0 || len(result.Instances[0].Recoverable) > most {
		return fmt.Errorf("the archive is not one unbroken stretch: list says %+v", result)
	}
	return nil
}
