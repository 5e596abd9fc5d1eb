package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
)

// Preflight says what stands in the way of backing the server up, and what the user should
// know: settings of fact 14.8, the needs that the account's grants do not meet, log filters,
// open XA transactions, the clock, and addresses that lead to two servers. Finding nothing is
// one finding (info). The error is of the connection, never a finding; what was found before it comes
// with it.
func Preflight(ctx context.Context, srv *server.Server, needs []server.Need) ([]Finding, error) {
	f := srv.Facts()
	findings := checkFacts(f)
	grants, err := srv.Grants(ctx)
	if err != nil {
		return findings, err
	}
	findings = append(findings, checkGrants(grants, needs)...)
	// Without the right to see positions the questions below get no answer; the finding says so already.
	mayAsk := len(grants.Missing(ArchiveNeeds(f)[0])) == 0
	for _, look := range []struct {
		do     bool
		at     func(context.Context, *server.Server) ([]Finding, error)
		called string
	}{
		{mayAsk && f.LogBin, checkFilters, "the log's filters"},
		{mayAsk && !f.LogReplicaUpdates, func(ctx context.Context, srv *server.Server) ([]Finding, error) {
			return checkReplica(ctx, srv, grants)
		}, "replication"},
		{true, checkClock, "the clock"},
		{true, checkIdentity, "the identity"},
		{true, func(ctx context.Context, srv *server.Server) ([]Finding, error) { return checkXA(ctx, srv, grants) }, "XA transactions"},
		{f.Flavor == server.FlavorMySQL && f.AtLeast(9, 2, 0), checkLibraries, "the libraries"},
		{f.Flavor == server.FlavorMariaDB && f.AtLeast(10, 3, 5), checkPackages, "the packages"},
	} {
		if !look.do {
			continue
		}
		more, err := look.at(ctx, srv)
		if err != nil {
			return findings, fmt.Errorf("check %s: %w", look.called, server.Classify(err))
		}
		findings = append(findings, more...)
	}
	return findings, nil
}

// PreflightArchive says what stands in the way of reading the server's log, which is less than
// what stands in the way of a backup: an archiver that refused a binlog_format would make a hole
// of what is written meanwhile. The error is of the connection, never a finding.
func PreflightArchive(ctx context.Context, srv *server.Server) ([]Finding, error) {
	findings := checkLogVersion(srv.Facts())
	for _, f := range checkFacts(srv.Facts()) {
		if f.ID == "log_bin" || f.ID == "encrypt_binlog" {
			findings = append(findings, f)
		}
	}
	grants, err := srv.Grants(ctx)
	if err != nil {
		return nil, err
	}
	return append(findings, checkGrants(grants, ArchiveNeeds(srv.Facts()))...), nil
}

// checkGrants makes one error per scope, whose remedy is the GRANT.
func checkGrants(g server.Grants, needs []server.Need) []Finding {
	missing := g.Missing(needs...)
	var findings []Finding
	for _, statement := range server.GrantStatements(g.Account, missing) {
		privileges, on, _ := strings.Cut(strings.TrimPrefix(statement, "GRANT "), " ON ")
		on, _, _ = strings.Cut(on, " TO ")
		message := fmt.Sprintf("the account %s lacks %s on %s", g.Account, privileges, on)
		if len(g.InactiveRoles) > 0 {
			message += "; its roles " + strings.Join(g.InactiveRoles, ", ") + " are not active at login (SET DEFAULT ROLE ALL activates them)"
		}
		findings = append(findings, Finding{ID: "grants", Level: LevelError, Message: message, Remedy: statement, kind: fault.KindGrant})
	}
	return findings
}

// checkFilters reads the columns of SHOW BINARY LOG STATUS behind file and offset: what a
// filter keeps out of the log is in no archive.
func checkFilters(ctx context.Context, srv *server.Server) ([]Finding, error) {
	conn, err := srv.RawConn(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := conn.Rows(ctx, srv.Facts().BinlogStatus())
	if err = errors.Join(err, conn.Close()); err != nil {
		return nil, err
	}
	if len(rows) != 1 || len(rows[0]) < 4 {
		return nil, nil // no log: checkFacts says so
	}
	var findings []Finding
	for i, option := range []string{"binlog_do_db", "binlog_ignore_db"} {
		if filter := rows[0][2+i]; filter != "" {
			findings = append(findings, Finding{
				ID: option, Level: LevelError,
				Message: fmt.Sprintf("%s=%s keeps changes of some schemas out of the log: they could not be restored", strings.ReplaceAll(option, "_", "-"), filter),
				Remedy:  "remove " + option + " from the server's configuration and restart it",
			})
		}
	}
	return findings, nil
}

// checkReplica: a replica without log_replica_updates does not log what it gets from its source.
// MariaDB's log_slave_updates is OFF by default, and SHOW .. STATUS has a privilege of its own there.
func checkReplica(ctx context.Context, srv *server.Server, g server.Grants) ([]Finding, error) {
	statement := "SHOW SLAVE STATUS"
	switch f := srv.Facts(); {
	case f.Flavor == server.FlavorMySQL && f.AtLeast(8, 0, 22):
		statement = "SHOW REPLICA STATUS"
	case f.Flavor == server.FlavorMariaDB:
		need := server.Need{Privilege: "SLAVE MONITOR", On: server.Everywhere}
		if f.AtLeast(10, 5, 9) && len(g.Missing(need)) > 0 {
			return []Finding{{
				ID: "log_replica_updates", Level: LevelWarning,
				Message: "log_slave_updates is OFF, and this account cannot see whether the source is a replica: if it is, its log lacks what it receives",
				Remedy:  need.GrantStatement(g.Account),
			}}, nil
		}
		statement = "SHOW ALL SLAVES STATUS" // a replica may have several sources there, each with a name
	}
	rows, err := srv.DB().QueryContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	isReplica := rows.Next()
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || !isReplica {
		return nil, err
	}
	return []Finding{{
		ID: "log_replica_updates", Level: LevelError,
		Message: "the source is a replica and log_replica_updates is OFF: its log lacks what it receives",
		Remedy:  "start it with log_replica_updates=ON, or back up its source",
	}}, nil
}

// clockTolerance is the difference of clocks from which on stop times and ages surprise people.
const clockTolerance = 5 * time.Second

func checkClock(ctx context.Context, srv *server.Server) ([]Finding, error) {
	var text string
	asked := time.Now()
	if err := srv.DB().QueryRowContext(ctx, "SELECT UTC_TIMESTAMP(6)").Scan(&text); err != nil {
		return nil, err
	}
	answered := time.Now()
	at, err := time.Parse("2006-01-02 15:04:05.999999", text)
	if err != nil {
		return nil, fmt.Errorf("read the source's time: %w", err)
	}
	off := time.Duration(0)
	switch {
	case at.Before(asked):
		off = asked.Sub(at)
	case at.After(answered):
		off = at.Sub(answered)
	}
	if off < clockTolerance {
		return nil, nil
	}
	return []Finding{{
		ID: "clock", Level: LevelWarning,
		Message: fmt.Sprintf("the clocks of the source and of this machine differ by %v: stop times mean the source's clock", off.Round(time.Second)),
		Remedy:  "synchronize both machines by NTP",
	}}, nil
}

// identityLooks is how many fresh connections are asked who answers: enough that a balancer that
// takes turns between two servers shows both.
const identityLooks = 6

// checkIdentity looks for an address behind which two servers answer (W6): balancers by
// connection, and proxies that send reads outside of transactions to replicas.
func checkIdentity(ctx context.Context, srv *server.Server) ([]Finding, error) {
	for range identityLooks {
		uuids, err := askIdentity(ctx, srv)
		var f *fault.Error
		if errors.As(err, &f) && f.Kind == fault.KindSource {
			return []Finding{twoServers(err.Error())}, nil
		}
		if err != nil {
			return nil, err
		}
		for _, uuid := range uuids {
			if uuid != srv.Facts().ServerUUID {
				return []Finding{twoServers(otherServer(srv.Facts().ServerUUID, uuid).Error())}, nil
			}
		}
	}
	return nil, nil
}

func twoServers(message string) Finding {
	return Finding{ID: "identity", Level: LevelError, Message: message, Remedy: "give the address of the primary itself, not of a proxy or balancer"}
}

// askIdentity asks once outside of a transaction and once inside, on a new connection.
func askIdentity(ctx context.Context, srv *server.Server) ([]string, error) {
	conn, err := srv.RawConn(ctx)
	if err != nil {
		return nil, err
	}
	who := "SELECT " + srv.Facts().Identity()
	plain, err := conn.Rows(ctx, who)
	var inside [][][]string
	if err == nil {
		inside, err = collect(ctx, conn, "START TRANSACTION; "+who+"; COMMIT")
	}
	if err = errors.Join(err, conn.Close()); err != nil {
		return nil, err
	}
	if len(plain) != 1 || len(inside) != 1 || len(inside[0]) != 1 {
		return nil, errNoAnswer
	}
	return []string{plain[0][0], inside[0][0][0]}, nil
}

// checkLibraries names the libraries (9.2 and later): they are not backed up, and a routine that
// uses one cannot be restored before somebody has made it.
func checkLibraries(ctx context.Context, srv *server.Server) ([]Finding, error) {
	libraries, err := survey(ctx, srv, "SELECT library_schema, library_name FROM information_schema.libraries ORDER BY 1, 2")
	if err != nil || len(libraries) == 0 {
		return nil, err
	}
	names := make([]string, len(libraries))
	for i, n := range libraries {
		names[i] = n.String()
	}
	return []Finding{{
		ID: "libraries", Level: LevelWarning,
		Message: "libraries are not backed up, and routines that use them are not restored: " + strings.Join(names, ", "),
		Remedy:  "keep the output of SHOW CREATE LIBRARY beside the backup; after a restore create them, and the routines that its warnings name",
	}}, nil
}

// checkPackages names the packages of MariaDB's Oracle mode: they are not backed up.
func checkPackages(ctx context.Context, srv *server.Server) ([]Finding, error) {
	packages, err := survey(ctx, srv, "SELECT routine_schema, routine_name FROM information_schema.routines WHERE routine_type='PACKAGE' AND "+
		strings.Replace(notSystem(), "table_schema", "routine_schema", 1)+" ORDER BY 1, 2")
	if err != nil || len(packages) == 0 {
		return nil, err
	}
	names := make([]string, len(packages))
	for i, n := range packages {
		names[i] = n.String()
	}
	return []Finding{{
		ID: "packages", Level: LevelWarning,
		Message: "packages are not backed up: " + strings.Join(names, ", "),
		Remedy:  "keep the output of SHOW CREATE PACKAGE and SHOW CREATE PACKAGE BODY beside the backup, and run it after a restore",
	}}, nil
}

// checkXA lists prepared XA transactions, where they may be seen. They are in the log and in
// gtid_executed but visible to nobody until they commit (facts 1.12, 9.2).
func checkXA(ctx context.Context, srv *server.Server, g server.Grants) ([]Finding, error) {
	f := srv.Facts()
	if f.Flavor == server.FlavorMySQL && f.AtLeast(8, 0, 0) && !g.Has("XA_RECOVER_ADMIN", "") {
		need := server.Need{Privilege: "XA_RECOVER_ADMIN", On: server.Everywhere}
		return []Finding{{
			ID: "xa", Level: LevelWarning,
			Message: "prepared XA transactions cannot be seen by this account: one whose prepare is older than the archive is noticed only when it commits",
			Remedy:  need.GrantStatement(g.Account),
		}}, nil
	}
	open, err := OpenXA(ctx, srv)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	return []Finding{{
		ID: "xa", Level: LevelWarning,
		Message: fmt.Sprintf("%d XA transactions are prepared and not finished: %s", len(open), strings.Join(open, "; ")),
		Remedy:  "XA COMMIT or XA ROLLBACK those that nobody will finish",
	}}, nil
}

// LogsPrepares tells whether the log holds an XA transaction where it is prepared. Before 5.7.7 it is there when it
// is committed, as any other transaction is (fact 9.1).
func LogsPrepares(f server.Facts) bool { return f.Flavor != server.FlavorMySQL || f.AtLeast(5, 7, 7) }

// OpenXA returns the ids of the prepared XA transactions as XA COMMIT takes them
// (X'global',X'branch',format). It needs XA_RECOVER_ADMIN from 8.0 on.
func OpenXA(ctx context.Context, srv *server.Server) (ids []string, err error) {
	// CONVERT XID came with 5.7; before, the bytes come as they are.
	statement, convert := "XA RECOVER", func(b []byte) string { return fmt.Sprintf("%x", b) }
	if f := srv.Facts(); f.AtLeast(5, 7, 5) && f.Flavor == server.FlavorMySQL {
		statement, convert = "XA RECOVER CONVERT XID", func(b []byte) string { return strings.TrimPrefix(string(b), "0x") }
	}
	rows, err := srv.DB().QueryContext(ctx, statement)
	if err != nil {
		return nil, fmt.Errorf("list prepared XA transactions: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var format, global, branch int
		var data []byte
		if err := rows.Scan(&format, &global, &branch, &data); err != nil {
			return nil, fmt.Errorf("list prepared XA transactions: %w", err)
		}
		hex := strings.ToLower(convert(data))
		if len(hex) != 2*(global+branch) {
			return nil, fmt.Errorf("list prepared XA transactions: id %q does not have %d bytes", hex, global+branch)
		}
		ids = append(ids, fmt.Sprintf("X'%s',X'%s',%d", hex[:2*global], hex[2*global:], format))
	}
	return ids, rows.Err()
}
