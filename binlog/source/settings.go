package source

import (
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/server"
)

// shortestRetention in seconds: below it a weekend, even a night, without tripod loses the log.
const shortestRetention = 24 * 60 * 60

// checkFacts judges the server's version and settings (fact 14.8).
func checkFacts(f server.Facts) []Finding {
	findings := checkVersion(f)
	add := func(bad bool, found Finding) {
		if bad {
			findings = append(findings, found)
		}
	}
	add(!f.LogBin, Finding{
		ID: "log_bin", Level: LevelError,
		Message: "the source writes no binlog (log_bin=OFF): without it no moment but the backup's could be restored, and not even that exactly",
		Remedy:  "set log_bin and server_id in the server's configuration and restart it",
	})
	add(f.LogBin && f.BinlogFormat != "ROW", Finding{
		ID: "binlog_format", Level: LevelError,
		Message: "binlog_format is " + f.BinlogFormat + ": statements cannot be replayed exactly",
		Remedy:  persist(f, "binlog_format=ROW") + "; sessions that are open keep the old format until they connect again",
	})
	add(f.RowImage != "" && f.RowImage != "FULL", Finding{
		ID: "binlog_row_image", Level: LevelWarning,
		Message: "binlog_row_image is " + f.RowImage + ": the log's rows lack columns. A table of which a key changes while it is read is read again, " +
			"one that changes while it is read gets its unique keys late in a restore, and changes of tables with several unique keys are replayed one after the other" + replaces(f),
		Remedy: persist(f, "binlog_row_image=FULL") + "; sessions that are open keep the old image until they connect again",
	})
	add(f.RowValueOptions != "", Finding{
		ID: "binlog_row_value_options", Level: levelOfDiffs(f),
		Message: "binlog_row_value_options is " + f.RowValueOptions + ": the log holds what changes in JSON documents, which costs a restore time. " +
			"Where binlog_row_image is not FULL, a table of which a document changes while it is read is read again",
		Remedy: persist(f, "binlog_row_value_options=''") + "; sessions that are open keep the old setting until they connect again",
	})
	add(f.GTIDMode == "ON_PERMISSIVE" || f.GTIDMode == "OFF_PERMISSIVE", Finding{
		ID: "gtid_mode", Level: LevelWarning,
		Message: "gtid_mode is " + f.GTIDMode + ", between ON and OFF: some transactions have a GTID and some have none, so stop points by GTID are incomplete",
		Remedy:  persist(f, "gtid_mode=ON"),
	})
	add(f.LogBin && f.SyncBinlog != 1, Finding{
		ID: "sync_binlog", Level: LevelWarning,
		Message: fmt.Sprintf("sync_binlog is %d: after a crash the source may have lost transactions that the archive holds", f.SyncBinlog),
		Remedy:  persist(f, "sync_binlog=1"),
	})
	// 3 is what MariaDB calls 1 together with group commits as they were.
	add(f.FlushLogAtCommit != 1 && (f.Flavor != server.FlavorMariaDB || f.FlushLogAtCommit != 3), Finding{
		ID: "innodb_flush_log_at_trx_commit", Level: LevelWarning,
		Message: fmt.Sprintf("innodb_flush_log_at_trx_commit is %d: after a crash the source may have lost transactions that the archive holds", f.FlushLogAtCommit),
		Remedy:  persist(f, "innodb_flush_log_at_trx_commit=1"),
	})
	add(f.LogBin && f.BinlogExpire > 0 && f.BinlogExpire < shortestRetention, Finding{
		ID: "retention", Level: LevelWarning,
		Message: fmt.Sprintf("the source keeps its binlog for %d seconds only: an archiver that is down for longer leaves a hole", f.BinlogExpire),
		Remedy:  persist(f, retention(f)),
	})
	add(f.LogBin && !ProvedGTIDLow(f), Finding{
		ID: "low_watermark", Level: LevelInfo,
		Message: fmt.Sprintf("the low watermark is the start of %s: a restore replays up to max_binlog_size (%d bytes) more, and tables without a key need quiet moments", lowFile(f), f.MaxBinlogSize),
		Remedy:  sharper(f),
	})
	if f.Flavor == server.FlavorMariaDB {
		findings = append(findings, checkMariaDB(f)...)
	}
	return findings
}

// lowFile names the file whose start is the low watermark.
func lowFile(f server.Facts) string {
	if f.Flavor == server.FlavorMariaDB {
		return "the binlog file that the newest binlog checkpoint names"
	}
	return "the binlog file"
}

// checkMariaDB judges the settings that only MariaDB has.
func checkMariaDB(f server.Facts) (findings []Finding) {
	if f.EncryptBinlog {
		findings = append(findings, Finding{
			ID: "encrypt_binlog", Level: LevelError,
			Message: "encrypt_binlog is ON: what the source sends is not what its files hold, so an archive could not be compared with them",
			Remedy:  "set encrypt_binlog=OFF in the server's configuration and restart it; tripod archive --encrypt-to encrypts what is kept",
		})
	}
	if f.Cluster && !f.LogReplicaUpdates {
		findings = append(findings, Finding{
			ID: "wsrep", Level: LevelError,
			Message: "the source is a node of a Galera cluster and log_slave_updates is OFF: its log lacks what the other nodes write",
			Remedy:  "start it with log_slave_updates=ON",
		})
	}
	const utf8 = "UTF8_IS_UTF8MB3"
	if f.AtLeast(10, 6, 1) && !strings.Contains(f.OldMode, utf8) {
		findings = append(findings, Finding{
			ID: "old_mode", Level: LevelError,
			Message: "old_mode lacks " + utf8 + ": utf8 in a statement is utf8mb4 on the source, and the log does not say so",
			Remedy:  persist(f, "old_mode='"+utf8+"'") + "; sessions that are open keep the old mode until they connect again",
		})
	}
	return findings
}

func checkVersion(f server.Facts) []Finding {
	found := Finding{ID: "version", Level: LevelInfo, Message: fmt.Sprintf("the source is %s %s", f.Flavor, f.Version)}
	if !proved(f) {
		found.Level = LevelWarning
		found.Message += ": tripod's watermarks are proved by its tests on MySQL 9.7 and 5.6, and on MariaDB 10.11"
		found.Remedy = "run a restore drill before you rely on it"
	}
	return []Finding{found}
}

// checkLogVersion is checkVersion for whoever reads the log only, which takes no watermark.
func checkLogVersion(f server.Facts) []Finding {
	if f.Flavor != server.FlavorMariaDB {
		return checkVersion(f)
	}
	found := Finding{ID: "version", Level: LevelInfo, Message: fmt.Sprintf("the source is %s %s", f.Flavor, f.Version)}
	if !proved(f) {
		found.Level = LevelWarning
		found.Message += ": tripod's reading of MariaDB's log is proved by its tests on 10.11"
		found.Remedy = "archive a copy of the server first, and compare its files with tripod verify --deep and mariadb-binlog"
	}
	return []Finding{found}
}

// proved tells whether the hammer tests of fact 1 run on this version.
func proved(f server.Facts) bool {
	if f.Flavor == server.FlavorMariaDB {
		return f.Major == 10 && f.Minor == 11
	}
	return f.Major == 9 || f.Major == 5 && f.Minor == 6
}

// retention is the setting that keeps the log for a week.
func retention(f server.Facts) string {
	if f.Flavor == server.FlavorMySQL && f.AtLeast(8, 0, 1) || f.Flavor == server.FlavorMariaDB && f.AtLeast(10, 6, 1) {
		return fmt.Sprintf("binlog_expire_logs_seconds=%d", 7*shortestRetention)
	}
	return "expire_logs_days=7"
}

// sharper says what makes a low watermark that is a file's start a sharp one.
func sharper(f server.Facts) string {
	if f.Flavor == server.FlavorMySQL && f.AtLeast(8, 0, 11) {
		return "gtid_mode=ON on MySQL 9, or BACKUP_ADMIN for the account, make it sharp"
	}
	return fmt.Sprintf("%s makes it sharper: files are shorter then", persist(f, "max_binlog_size=104857600"))
}

// persist returns the statement that sets a global variable, for good where the server can.
func persist(f server.Facts, assignment string) string {
	if f.Flavor == server.FlavorMySQL && f.AtLeast(8, 0, 0) {
		return "SET PERSIST " + assignment
	}
	return "SET GLOBAL " + assignment + " (and in the server's configuration)"
}

// replaces is what images that lack columns cost on MariaDB beyond that.
func replaces(f server.Facts) string {
	if f.Flavor != server.FlavorMariaDB {
		return ""
	}
	return ". A REPLACE of some columns looks in them like an UPDATE that leaves the others as they were: it ends the range of its table, and so does any UPDATE that is not " +
		"told from one by its text (binlog_annotate_row_events=OFF, triggers, views)"
}

// levelOfDiffs: with full images each diff has its document beside it.
func levelOfDiffs(f server.Facts) Level {
	if f.RowImage == "" || f.RowImage == "FULL" {
		return LevelInfo
	}
	return LevelWarning
}
