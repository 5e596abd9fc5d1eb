package pitr

import (
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// sessionDependent names, for a warning, the stored columns that the target has computed in sessions that may differ from those of
// the source: nobody can write them (error 3105), and the log holds no more of a session than what most statements depend on.
func (f *finisher) sessionDependent() {
	var columns []string
	for _, t := range f.tables.sorted() {
		for _, c := range t.def.SessionDependent() {
			columns = append(columns, t.Name.String()+"."+schema.Quote(c))
		}
	}
	if len(columns) > 0 {
		f.result.Warnings = append(f.result.Warnings, "stored columns whose values depend on the session that wrote the row were computed anew: "+
			strings.Join(columns, ", ")+"; where sessions of the source had set sql_mode, time_zone, lc_time_names, div_precision_increment or block_encryption_mode, values may be others")
	}
}
