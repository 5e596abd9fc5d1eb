package rewriter

import "github.com/tripod-db/tripod/binlog/ddl"

// SettleEvent returns the edits that take out of CREATE and ALTER EVENT what is about other names and other events: IF NOT EXISTS,
// OR REPLACE, RENAME TO. The name itself is the caller's. instead comes where RENAME TO was: an ALTER that only renames would have no
// clause left, see OnlyRenames.
func SettleEvent(s *ddl.Statement, instead string) []ddl.Edit {
	if len(s.Objects) != 1 || s.Objects[0].Kind != ddl.Event {
		return nil
	}
	var edits []ddl.Edit
	cut := func(t token) { edits = append(edits, ddl.Edit{Start: t.start, End: t.end}) }
	if s.Verb == ddl.CreateObject {
		for _, t := range scan(s.Text[:s.Objects[0].Start], 0, len(s.Text)) {
			if t.is("or") || t.is("replace") || t.is("if") || t.is("not") || t.is("exists") {
				cut(t)
			}
		}
		return edits
	}
	o := s.Objects[0]
	tokens := scan(s.Text[:o.RenamedStart], min(o.End, o.RenamedStart), len(s.Text))
	if len(tokens) < 2 || !tokens[len(tokens)-2].is("rename") || !tokens[len(tokens)-1].is("to") {
		return nil
	}
	cut(tokens[len(tokens)-2])
	cut(tokens[len(tokens)-1])
	return append(edits, ddl.Edit{Start: o.RenamedStart, End: o.RenamedEnd, Text: instead})
}

// OnlyRenames tells whether a statement is an ALTER EVENT that has no clause but RENAME TO.
func OnlyRenames(s *ddl.Statement) bool {
	if len(s.Objects) != 1 || s.Objects[0].Kind != ddl.Event || s.Objects[0].RenamedEnd == 0 {
		return false
	}
	o := s.Objects[0]
	behind := scan(s.Text, o.RenamedEnd, 1)
	return len(scan(s.Text[:o.RenamedStart], o.End, 3)) == 2 && (len(behind) == 0 || behind[0].is(";"))
}
