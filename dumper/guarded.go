package dumper

import (
	"context"
	"errors"
	"strings"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
)

// guarded runs one SELECT in a transaction of its own, sent as one packet with the question who
// answers (W6).
func guarded(ctx context.Context, conn *server.RawConn, statement string, row func([]byte) error) error {
	return oneTransaction(ctx, conn, statement, func(int) func([]byte) error { return row })
}

// guardedRows runs statements with small results like guarded, in one transaction, and returns
// the rows of each as text, NULL as an empty one. The first error of the server ends them: an
// answer that something is absent is the source's own too.
func guardedRows(ctx context.Context, conn *server.RawConn, statements ...string) ([][][]string, error) {
	results := make([][][]string, len(statements))
	err := oneTransaction(ctx, conn, strings.Join(statements, "; "), func(i int) func([]byte) error {
		if i >= len(results) {
			return nil
		}
		return func(packet []byte) error {
			row, err := server.TextRow(packet)
			results[i] = append(results[i], row)
			return err
		}
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// oneTransaction sends statements between START TRANSACTION and COMMIT, as one packet with the
// question who answers. It is not READ ONLY: some proxies send that to a replica (W6). rows
// returns what gets the rows of the i-th statement.
func oneTransaction(ctx context.Context, conn *server.RawConn, statements string, rows func(i int) func([]byte) error) error {
	asked := false
	who := func(packet []byte) error {
		values, err := server.TextRow(packet)
		if err != nil {
			return err
		}
		anyone := false
		failpoint.Inject("W6", func() { anyone = true })
		if !anyone && (len(values) != 1 || values[0] != conn.ServerUUID()) {
			return otherServer(conn.ServerUUID(), strings.Join(values, " "))
		}
		asked = true
		return nil
	}
	err := conn.Batch(ctx, "START TRANSACTION; SELECT "+conn.Identity()+"; "+statements+"; COMMIT",
		func(i int, fields []server.Field) (func([]byte) error, error) {
			switch {
			case i == 0, fields == nil:
				return nil, nil
			case i == 1:
				return who, nil
			case !asked:
				return nil, otherServer(conn.ServerUUID(), "")
			}
			return rows(i - 2), nil
		})
	if err == nil || conn.Broken() {
		return err
	}
	// The server stops at the first error: the transaction is open and holds its lock.
	if _, rollback := conn.Query(ctx, "ROLLBACK", nil); rollback != nil {
		return errors.Join(err, rollback)
	}
	return err
}

func otherServer(want, got string) error {
	return fault.New(fault.CodeFailed, fault.KindSource, "give the address of the primary itself, not of a proxy or balancer",
		"a read was answered by server %q instead of %s (W6)", got, want)
}
