package rewriter

import "github.com/tripod-db/tripod/binlog/ddl"

// CreateInsteadOfAlter returns the edits that make ALTER VIEW, which is a definition of its own,
// create the view.
func CreateInsteadOfAlter(s *ddl.Statement) []ddl.Edit {
	first := scan(s.Text, 0, 1)
	if len(first) == 0 || !first[0].is("alter") {
		return nil
	}
	return []ddl.Edit{{Start: first[0].start, End: first[0].end, Text: "CREATE"}}
}
