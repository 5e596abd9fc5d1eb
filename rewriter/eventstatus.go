package rewriter

import "github.com/tripod-db/tripod/binlog/ddl"

// DisableEvent returns the edits that make CREATE or ALTER EVENT leave the event disabled, so
// that it cannot run even once.
func DisableEvent(s *ddl.Statement) []ddl.Edit {
	if len(s.Objects) != 1 || s.Objects[0].Kind != ddl.Event {
		return nil
	}
	// The status stands behind the schedule and in front of the comment and the body, so that no
	// string which could hold anything is looked into.
	tokens := scan(s.Text, s.Objects[0].End, len(s.Text))
	for i, t := range tokens {
		switch {
		case t.start >= s.Objects[0].RenamedStart && t.start < s.Objects[0].RenamedEnd: // a name
		case t.is("enable"):
			return []ddl.Edit{{Start: t.start, End: t.end, Text: "DISABLE"}}
		case t.is("disable"):
			return nil
		case (t.is("comment") || t.is("do")) && i > 0:
			if s.Verb != ddl.CreateObject {
				return nil
			}
			return []ddl.Edit{{Start: t.start, End: t.start, Text: "DISABLE "}}
		}
	}
	return nil
}
