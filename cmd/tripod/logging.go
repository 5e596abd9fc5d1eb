package main

import (
	"io"
	"log/slog"
	"strings"

	"github.com/tripod-db/tripod/internal/fault"
)

// newLogger makes the process's only logger, on stderr.
func newLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	switch strings.ToLower(level) {
	case "debug":
		l = slog.LevelDebug
	case "info":
		l = slog.LevelInfo
	case "warn":
		l = slog.LevelWarn
	case "error":
		l = slog.LevelError
	default:
		return nil, fault.New(fault.CodeUsage, fault.KindUsage, "use debug, info, warn or error", "--log-level %q is unknown", level)
	}
	opts := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return nil, fault.New(fault.CodeUsage, fault.KindUsage, "use text or json", "--log-format %q is unknown", format)
}
