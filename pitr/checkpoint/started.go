package checkpoint

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/target"
)

// StartedNote tells one life of the target's server from another: a restart empties its MEMORY tables.
type StartedNote struct {
	At int64 `json:"at"` // second of its own clock
}

// startSlack is by how many seconds the time of one start, computed twice, may differ: the clock and the
// age of the server are asked for one after the other, in whole seconds. A server that comes back takes
// longer.
const startSlack = 2

// Started asks the target's server when it was started.
func Started(ctx context.Context, s *target.Session) (StartedNote, error) {
	now, err := target.OneRow(ctx, s, "SELECT UNIX_TIMESTAMP()")
	if err != nil {
		return StartedNote{}, fmt.Errorf("ask the target when it was started: %w", err)
	}
	age, err := target.OneRow(ctx, s, "SHOW GLOBAL STATUS LIKE 'Uptime'")
	if err != nil {
		return StartedNote{}, fmt.Errorf("ask the target when it was started: %w", err)
	}
	at, err := strconv.ParseInt(now[0], 10, 64)
	if err == nil {
		var seconds int64
		seconds, err = strconv.ParseInt(age[len(age)-1], 10, 64)
		at -= seconds
	}
	if err != nil {
		return StartedNote{}, fmt.Errorf("ask the target when it was started: %w", err)
	}
	return StartedNote{At: at}, nil
}

// CompareStart finds out whether the target's server is the one that the restore began with.
func (p *Past) CompareStart(ctx context.Context, s *target.Session) error {
	now, err := Started(ctx, s)
	if err != nil {
		return err
	}
	apart := time.Duration(now.At-p.started.At) * time.Second
	p.Restarted = apart.Abs() > startSlack*time.Second
	return nil
}

// Emptied tells whether a table may have lost its rows since the restore began.
func (p *Past) Emptied(def *schema.Table) bool {
	return p.Restarted && strings.EqualFold(def.Engine, "MEMORY")
}
