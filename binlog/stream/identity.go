package stream

import (
	crand "crypto/rand"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
)

// identify reads who the server is on this very connection (W6).
func (s *Stream) identify() error {
	v, err := s.variables("server_uuid", "server_id", "hostname", "port", "log_bin", "version", "encrypt_binlog")
	if err != nil {
		return err
	}
	s.mariadb = strings.Contains(strings.ToLower(v["version"]), server.FlavorMariaDB)
	if s.uuid = v["server_uuid"]; s.uuid == "" && s.mariadb {
		s.uuid, s.serverID = server.ReplicaIdentity(v["server_id"], v["hostname"], v["port"]), v["server_id"]
	}
	switch {
	case !strings.EqualFold(v["log_bin"], "ON"):
		return fault.New(fault.CodeFailed, fault.KindSource, "start the source with log_bin, or name the server that writes a binlog",
			"the source writes no binlog")
	case s.uuid == "":
		return fault.New(fault.CodeFailed, fault.KindSource, "name a MySQL server of version 5.6 or later, or a MariaDB server",
			"the source has no server_uuid: its log cannot be told from another one")
	case s.cfg.Expect.ServerUUID != "" && s.cfg.Expect.ServerUUID != s.uuid:
		return fmt.Errorf("%w: its server_uuid is %s, not %s", ErrOtherServer, s.uuid, s.cfg.Expect.ServerUUID)
	case s.mariadb && strings.EqualFold(v["encrypt_binlog"], "ON"):
		return encrypted("the source writes its binlog encrypted (encrypt_binlog=ON)")
	}
	return nil
}

// encrypted says that the file's bytes cannot be had: MariaDB decrypts what it sends, so that what is
// archived would not be the source's file.
func encrypted(format string, args ...any) error {
	return fault.New(fault.CodeFailed, fault.KindSource, "start the source with encrypt_binlog=OFF, and purge its encrypted files once they are of no use to its replicas: the archive begins, or goes on, behind them",
		"%w", fmt.Errorf(format, args...))
}

// variables returns global variables of the server; those that it does not have are empty.
func (s *Stream) variables(names ...string) (map[string]string, error) {
	result, err := s.conn.Execute("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('" + strings.Join(names, "', '") + "')")
	if err != nil {
		return nil, s.explain(err)
	}
	defer result.Close()
	v := make(map[string]string, len(names))
	for i := range result.RowNumber() {
		name, err := result.GetString(i, 0)
		if err != nil {
			return nil, fmt.Errorf("read the server's identity: %w", err)
		}
		if v[strings.ToLower(name)], err = result.GetString(i, 1); err != nil {
			return nil, fmt.Errorf("read the server's identity: %w", err)
		}
	}
	return v, nil
}

// settings asks for heartbeats and for events with their checksums. Old and new spellings are
// user variables: a server looks at those it knows. The uuid of its own keeps the server from
// taking the connection for a stale one of another replica and ending that.
func (s *Stream) settings() error {
	id, err := uuid.NewRandomFromReader(crand.Reader)
	if err != nil {
		return fmt.Errorf("make a replica uuid: %w", err)
	}
	period := s.cfg.heartbeat().Nanoseconds()
	statement := fmt.Sprintf("SET @master_heartbeat_period=%d, @source_heartbeat_period=%d,"+
		" @master_binlog_checksum='CRC32', @source_binlog_checksum='CRC32', @slave_uuid='%s', @replica_uuid='%s'", period, period, id, id)
	if s.mariadb {
		statement = fmt.Sprintf("SET @master_heartbeat_period=%d, @master_binlog_checksum=@@global.binlog_checksum,"+
			" @mariadb_slave_capability=%d, @slave_uuid='%s'", period, mariadbCapability, id)
	}
	if _, err := s.conn.Execute(statement); err != nil {
		return s.explain(err)
	}
	return nil
}

const (
	// mariadbCapability says that the client knows all events of MariaDB 10.0 and later: to one of
	// less, GTID events are sent as BEGIN and the rest is left out or replaced, which are not the file's bytes.
	mariadbCapability = 4
	// sendAnnotateRows is the flag of COM_BINLOG_DUMP without which MariaDB leaves Annotate_rows events out.
	sendAnnotateRows = 0x2
)

// dumpFlags returns the flags of COM_BINLOG_DUMP.
func (s *Stream) dumpFlags() uint16 {
	if s.mariadb {
		return sendAnnotateRows
	}
	return 0
}

// ownTimeline is the name of the timeline that begins with the file in which the stream began: the
// server's uuid, on MariaDB its id and when that file was begun.
func (s *Stream) ownTimeline() binlog.Timeline {
	if s.serverID == "" {
		return binlog.Timeline(s.uuid)
	}
	return binlog.MariaDBTimeline(s.serverID, s.began)
}
