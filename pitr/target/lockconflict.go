package target

import "github.com/tripod-db/tripod/internal/server"

// LockTries is how often a batch is repeated when somebody else on the target got in its way
// with a lock: more often than a deadlock can be bad luck.
const LockTries = 10

// IsLockConflict tells whether a transaction may be tried again: the server has rolled it back, or
// its last statement, because of somebody else's locks.
func IsLockConflict(err error) bool {
	n := server.ErrorNumber(err)
	return n == server.ErrDeadlock || n == server.ErrLockWaitTimeout
}
