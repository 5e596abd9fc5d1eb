package history

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// DefaultShrink is how long a failed history is made smaller.
const DefaultShrink = 5 * time.Minute

// smallFile is the name of a record that was made smaller, beside that of the whole history.
const smallFile = "small.record"

// shrinkKept makes a failed history that was kept smaller, and says what came of it.
func (f *Fleet) shrinkKept(ctx context.Context, c Config, failed *Recorded, out io.Writer) (string, error) {
	whole := filepath.Join(c.kept(), recordFile)
	small, reproduced, err := Shrink(ctx, f, c, failed, c.Shrink, out)
	if err != nil {
		return "", fmt.Errorf("make the history smaller: %w", err)
	}
	if !reproduced {
		return fmt.Sprintf("it does not fail when its statements run one after the other: record, store and logs are in %s", c.kept()), nil
	}
	path := filepath.Join(c.kept(), smallFile)
	if err := os.MkdirAll(c.kept(), 0o700); err != nil {
		return "", fmt.Errorf("save the smaller history: %w", err)
	}
	if err := small.Save(path); err != nil {
		return "", fmt.Errorf("save the smaller history: %w", err)
	}
	return fmt.Sprintf("smaller, it is\n%s\nagain: make history RECORD=%s (the whole: RECORD=%s)", small.Story(), path, whole), nil
}

// ReplayFile runs a recorded history again. It fails as that did, or says that it does not fail.
func ReplayFile(ctx context.Context, f *Fleet, c Config, path string, out io.Writer) error {
	r, err := LoadRecord(path)
	if err != nil {
		return fmt.Errorf("read a recorded history: %w", err)
	}
	if c.Failpoints == "" {
		c.Failpoints = r.Failpoints
	}
	c.Seed = r.Seed
	if c.Shrink > 0 {
		said, err := f.shrinkKept(ctx, c, r, out)
		if err == nil {
			_, err = fmt.Fprintln(out, said)
		}
		return err
	}
	report, err := Replay(ctx, f, c, r)
	if err != nil {
		return err
	}
	if report.Failure != nil {
		return fmt.Errorf("it fails: %w", report.Failure)
	}
	_, err = fmt.Fprintf(out, "%d statements again: it does not fail\n", r.count(""))
	return err
}
