package pitr

import (
	"fmt"
	"strings"
)

// Text prints the plan for people.
func (p *Plan) Text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("restore of instance %s into %s", p.Instance, p.Target)
	line("  to      %s", describePoint(p.Stop))
	line("          asked for: %s", p.Wanted)
	line("  backup  %s, recoverable from %s", p.BackupID, describePoint(p.RecoverableFrom))
	if p.Resumes {
		line("  resumes the restore that was begun on the target and has not finished")
	}
	line("  load    %d tables, %d rows, %s (%s stored), %d connections%s", len(p.Tables), p.Load.Rows, size(p.Load.Bytes), size(p.Load.BytesStored), p.Load.Threads, withoutLocal(p.Load.Local))
	line("  replay  %s of log, %d transactions, %d statements, from %s", size(p.Replay.Bytes), p.Replay.Transactions, p.Replay.Statements, p.From.Position)
	line("  reads   %s of the store: %s of chunks, %s of %d segments, which are %s", size(p.Bytes), size(p.Load.BytesStored), size(p.Replay.BytesStored), p.Segments.Count, size(p.Segments.BytesStored))
	line("  time    %s", p.Estimate)
	for _, s := range p.Schemas {
		state := "is created"
		if s.OnTarget {
			state = "exists"
		}
		line("  schema  %s %s", s.Name, state)
	}
	for _, t := range p.Tables {
		source := ""
		if t.Source != "" {
			source = " from " + t.Source
		}
		line("  table   %s%s  %s, %d rows, %d chunks", t.Name, source, t.Class, t.Rows, t.Chunks)
	}
	for _, o := range p.Creates {
		line("  makes   %s", o)
	}
	for _, a := range p.Accounts {
		line("  makes   user %s", a)
	}
	for _, f := range p.Findings {
		line("%s: %s", f.Level, f.Message)
		if f.Remedy != "" {
			line("  remedy: %s", f.Remedy)
		}
	}
	return b.String()
}

func withoutLocal(local bool) string {
	if local {
		return ""
	}
	return ", without LOAD DATA LOCAL"
}

// size prints bytes in the unit that people read.
func size(bytes uint64) string {
	const unit = 1024
	if bytes < unit {
		return fmt.Sprintf("%d B", bytes)
	}
	f, i := float64(bytes)/unit, 0
	for f >= unit && i < 4 {
		f, i = f/unit, i+1
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGTP"[i])
}
