package mysqltest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// copyTree copies a data directory of a server that is down: only what its files hold, not their holes. See [squeezeTree].
func copyTree(from, to string) error {
	if err := eachFile(from, to, copyData); err != nil {
		return fmt.Errorf("copy %s to %s: %w", from, to, err)
	}
	return nil
}

// squeezeTree copies a data directory of a server that is down, and makes holes of its blocks of zeros: of the 150 MB of an
// empty data directory most are.
func squeezeTree(from, to string) error {
	if err := eachFile(from, to, copyNonzero); err != nil {
		return fmt.Errorf("squeeze %s to %s: %w", from, to, err)
	}
	return nil
}

// eachFile makes the folders of from in to, and has each file copied.
func eachFile(from, to string, fill func(out, in *os.File, size int64) error) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		destination := filepath.Join(to, relative)
		switch {
		case entry.IsDir():
			return os.MkdirAll(destination, info.Mode().Perm())
		case info.Mode().IsRegular():
			return copyFile(path, destination, info, fill)
		default: // a socket or a link to one, made anew by the server
			return nil
		}
	})
}

func copyFile(from, to string, info fs.FileInfo, fill func(out, in *os.File, size int64) error) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := fill(out, in, info.Size()); err != nil {
		return err
	}
	return out.Truncate(info.Size())
}

// copyData copies the stretches of a file that are no holes. The kernel does it, file to file: what comes through this
// process passes the race detector.
func copyData(out, in *os.File, size int64) error {
	for at := int64(0); at < size; {
		begin, err := in.Seek(at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // nothing but a hole
			return nil
		}
		if err != nil {
			return err
		}
		if at, err = in.Seek(begin, unix.SEEK_HOLE); err != nil {
			return err
		}
		if _, err := in.Seek(begin, io.SeekStart); err != nil {
			return err
		}
		if _, err := out.Seek(begin, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.CopyN(out, in, at-begin); err != nil {
			return err
		}
	}
	return nil
}

// copyBlock is the unit in which zeros are left out: a block of the usual file systems.
const copyBlock = 4 << 10

// copyNonzero copies the blocks of a file that are not all zeros.
func copyNonzero(out, in *os.File, _ int64) error {
	block, zeros := make([]byte, copyBlock), make([]byte, copyBlock)
	for at := int64(0); ; at += copyBlock {
		n, err := io.ReadFull(in, block)
		if n > 0 && !bytes.Equal(block[:n], zeros[:n]) {
			if _, err := out.WriteAt(block[:n], at); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
