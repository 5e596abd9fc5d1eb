package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

// Keys of DESIGN section 7. Every name of the outside world goes through Escape on its way
// into a key.
const (
	readmeKey    = "README.md"
	manifestName = "manifest.json"
	intentName   = "intent.json"
	instanceName = "instance.json"
	headName     = "head.json"
	indexName    = "index.json"

	// offsetDigits is the width of an offset or epoch, so that listings sort: 2^64 has 20 digits.
	offsetDigits = 20
	// chunkDigits is the width of a chunk's number, so that listings sort.
	chunkDigits = 8

	// longestName is the longest escaped name that stands in a key as it is: with the longest
	// prefix and suffix around it, it stays below the 255 bytes that file systems take.
	longestName = 200
	// keptName is how much of a longer one stands in front of its hash.
	keptName = 180
	// hashDigits is the length, in hexadecimal digits, of that hash.
	hashDigits = 16
)

const hexDigits = "0123456789ABCDEF"

// Escape turns a name into a part of a key: bytes outside [A-Za-z0-9_-] become %XX. An
// escaped name over 200 bytes is its first 180, "~" and 16 hexadecimal digits of its SHA-256.
func Escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	s := b.String()
	if len(s) <= longestName {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return s[:keptName] + "~" + hex.EncodeToString(sum[:])[:hashDigits]
}

// Unescape gives back the name that Escape was given. ok is false for a shortened name, whose
// truth stands in a document, and for text that Escape never returns.
func Unescape(part string) (name string, ok bool) {
	b := make([]byte, 0, len(part))
	for i := 0; i < len(part); i++ {
		if part[i] != '%' {
			b = append(b, part[i])
			continue
		}
		if i+2 >= len(part) {
			return "", false
		}
		c, err := strconv.ParseUint(part[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b = append(b, byte(c))
		i += 2
	}
	name = string(b)
	return name, name != "" && Escape(name) == part
}

// InstanceKey is the key of an instance's instance.json.
func InstanceKey(instance string) string { return Escape(instance) + "/" + instanceName }

func backupsPrefix(instance string) string { return Escape(instance) + "/backups/" }

// BackupKey is the key of an object of a backup; below is its key below the backup's folder,
// as manifests hold it.
func BackupKey(instance, id, below string) string {
	return backupsPrefix(instance) + Escape(id) + "/" + below
}

// ManifestKey is the key of a backup's manifest.
func ManifestKey(instance, id string) string { return BackupKey(instance, id, manifestName) }

// IntentKey is the key of a backup's intent.
func IntentKey(instance, id string) string { return BackupKey(instance, id, intentName) }

// Folders below that of a backup.
const (
	dataFolder   = "data/"
	schemaFolder = "schema/"
)

// KindDatabase, KindTable and KindUser are the kinds, in keys, of what is no Object of a manifest: hence
// they have no type of their own.
const (
	KindDatabase = "database"
	KindTable    = "table"
	KindUser     = "user"
)

// SchemaKey is the key, below the backup's folder, of a definition's text. For KindDatabase
// both parts of name are the schema.
func SchemaKey(kind ObjectKind, name schema.Name) string {
	return schemaFolder + Escape(name.Schema) + "/" + string(kind) + "." + Escape(name.Name) + schemaSuffix
}

const schemaSuffix = ".sql"

// schemaKeyOf is the key of this very text of a definition, where another text of it lies under
// SchemaKey: no two texts have one key, and with the longest name it is still short enough.
func schemaKeyOf(kind ObjectKind, name schema.Name, text string) string {
	return strings.TrimSuffix(SchemaKey(kind, name), schemaSuffix) + "~" + TextSHA256(text)[:hashDigits] + schemaSuffix
}

// ChunkKey is the key, below the backup's folder, of chunk n of a table. compression is that
// of the manifest: zstd, gzip or none.
func ChunkKey(name schema.Name, n uint64, compression string) string {
	return fmt.Sprintf(dataFolder+"%s/%s/%0*d.tsv%s", Escape(name.Schema), Escape(name.Name), chunkDigits, n, compressionSuffix(compression))
}

func compressionSuffix(compression string) string {
	switch compression {
	case "gzip":
		return ".gz"
	case "none":
		return ""
	}
	return ".zst"
}

func binlogPrefix(instance string) string { return Escape(instance) + "/binlog/" }

func timelinePrefix(instance string, timeline binlog.Timeline) string {
	return binlogPrefix(instance) + Escape(string(timeline)) + "/"
}

func filePrefix(instance string, timeline binlog.Timeline, file string) string {
	return timelinePrefix(instance, timeline) + Escape(file) + "/"
}

// HeadKey is the key of a timeline's head.json.
func HeadKey(instance string, timeline binlog.Timeline) string {
	return timelinePrefix(instance, timeline) + headName
}

// SegmentKey is the key of the segment that holds the bytes from start to end, exclusive, of
// a binlog file.
func SegmentKey(instance string, timeline binlog.Timeline, file string, start, end uint64) string {
	return filePrefix(instance, timeline, file) + segmentName(start, end)
}

func segmentName(start, end uint64) string { return digits(start) + "-" + digits(end) + segmentSuffix }

// IndexKey is the key of a closed binlog file's index.
func IndexKey(instance string, timeline binlog.Timeline, file string) string {
	return filePrefix(instance, timeline, file) + indexName
}

const segmentSuffix = ".seg"

// parseSegmentName reads <start>-<end>.seg.
func parseSegmentName(name string) (start, end uint64, ok bool) {
	text, found := strings.CutSuffix(name, segmentSuffix)
	if !found || len(text) != 2*offsetDigits+1 || text[offsetDigits] != '-' {
		return 0, 0, false
	}
	start, errStart := strconv.ParseUint(text[:offsetDigits], 10, 64)
	end, errEnd := strconv.ParseUint(text[offsetDigits+1:], 10, 64)
	return start, end, errStart == nil && errEnd == nil && start < end
}

func holesPrefix(instance string) string { return Escape(instance) + "/holes/" }

// HoleKey is the key of the hole that begins at from.
func HoleKey(instance string, from binlog.Position) string {
	return holesPrefix(instance) + Escape(string(from.Timeline)) + "/" + Escape(from.File) + "-" + digits(from.Pos) + ".json"
}

func limitsPrefix(instance string) string { return Escape(instance) + "/limits/" }

// LimitsKey is the key of the limits in a binlog file that the holder of a lease has archived.
func LimitsKey(instance string, timeline binlog.Timeline, file string, epoch uint64) string {
	return limitsPrefix(instance) + Escape(string(timeline)) + "/" + Escape(file) + "-" + digits(epoch) + ".json"
}

func leasePrefix(instance string) string { return Escape(instance) + "/lease/" }

func leaseKey(instance string, epoch uint64) string {
	return leasePrefix(instance) + digits(epoch) + ".json"
}

func beatKey(instance string, epoch uint64) string {
	return leasePrefix(instance) + digits(epoch) + ".beat"
}

func askKey(instance string, epoch uint64) string {
	return leasePrefix(instance) + digits(epoch) + ".ask"
}

func digits(n uint64) string { return fmt.Sprintf("%0*d", offsetDigits, n) }
