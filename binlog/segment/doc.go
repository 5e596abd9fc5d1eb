// Package segment is the format of the archive's immutable objects: one zstd skippable frame
// whose content is a JSON Header, then zstd frames of a contiguous range of one binlog file's
// bytes. zstd -dc of a file's segments, in order, is the binlog file.
//
// It is pure: bytes in, bytes out. Everything in a segment is under a checksum: the header
// under its own, the stored frames under the header's stored_sha256, the plain bytes under the
// file's chain. So a segment proves itself, and two segments prove that they join.
//
// What may not happen here: bytes handed out as good behind a truncation or an alteration
// without an error at the end of the read; a segment of a newer format read as if it were
// understood; memory that grows with the segment's size while reading.
package segment
