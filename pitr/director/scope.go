package director

import (
	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Scope says what of an instance is restored, under which names, and what of the log is left out.
type Scope struct {
	Selection catalog.Selection // at the stop point; empty for all
	Rename    []string          // a.t=b.u, a=b
	SkipGTID  binlog.GTIDSet    // transactions that are left out
	OmitUsers bool              // users and roles are left out, where the backup has them
}

// IsPart tells whether it is a part of an instance, or has other names, or leaves something out.
func (s Scope) IsPart() bool {
	return len(s.Selection.Databases)+len(s.Selection.Tables)+len(s.Selection.Exclude)+len(s.Rename) > 0 || !s.SkipGTID.IsEmpty()
}
