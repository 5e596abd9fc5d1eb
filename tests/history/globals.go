package history

import (
	"context"
	"fmt"
	"strings"
)

// setGlobals gives the source the settings of the features, before any session of the history is open: most sessions
// take them over when they connect.
func (h *run) setGlobals(ctx context.Context) error {
	for _, setting := range h.features.flags(func(f *Feature) []string { return f.Globals }) {
		variable, value, set := strings.Cut(setting, "=")
		h.changed = append(h.changed, variable)
		if !set {
			continue
		}
		if err := h.servers.Source.Exec(ctx, "SET GLOBAL "+variable+"="+value); err != nil {
			return fmt.Errorf("set %s: %w", setting, err)
		}
	}
	return nil
}

// putBack undoes what features have set: the server is used again.
func (h *run) putBack() error {
	for _, variable := range h.changed {
		if err := h.servers.Source.Exec(context.Background(), "SET GLOBAL "+variable+"=DEFAULT"); err != nil {
			return fmt.Errorf("put %s back: %w", variable, err)
		}
	}
	return nil
}
