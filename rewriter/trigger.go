package rewriter

import (
	"strings"

	"github.com/tripod-db/tripod/binlog/ddl"
)

// TriggerHead is what the head of a CREATE TRIGGER says about its place among the triggers of
// its table.
type TriggerHead struct {
	Timing string // BEFORE, AFTER
	Event  string // INSERT, UPDATE, DELETE
	// Follows and Precedes name the trigger beside which it is put; both empty: it comes last.
	Follows, Precedes string

	orderStart, orderEnd int // the order clause in Statement.Text
}

// ParseTriggerHead reads the head of a CREATE TRIGGER. ok is false where the text does not say
// what it should; such a trigger comes last.
func ParseTriggerHead(s *ddl.Statement) (head TriggerHead, ok bool) {
	if len(s.Objects) != 1 || s.Objects[0].Kind != ddl.Trigger || s.Objects[0].TableEnd <= s.Objects[0].End {
		return TriggerHead{}, false
	}
	o := s.Objects[0]
	// name BEFORE INSERT ON table FOR EACH ROW [FOLLOWS other]
	middle := scan(s.Text[:o.TableStart], o.End, 4)
	if len(middle) < 3 || !middle[len(middle)-1].is("on") {
		return TriggerHead{}, false
	}
	head.Timing, head.Event = strings.ToUpper(middle[0].text), strings.ToUpper(middle[1].text)
	tail := scan(s.Text, o.TableEnd, 5)
	if len(tail) < 4 || !tail[0].is("for") || !tail[1].is("each") || !tail[2].is("row") {
		return TriggerHead{}, false
	}
	if len(tail) == 5 && (tail[3].is("follows") || tail[3].is("precedes")) {
		head.orderStart, head.orderEnd = tail[3].start, tail[4].end
		if tail[3].is("follows") {
			head.Follows = tail[4].text
		} else {
			head.Precedes = tail[4].text
		}
	}
	return head, true
}

// WithoutOrder drops the FOLLOWS or PRECEDES clause: the trigger it names may be gone at the
// stop point; creating them in order says the same.
func (h TriggerHead) WithoutOrder() []ddl.Edit {
	if h.orderEnd == 0 {
		return nil
	}
	return []ddl.Edit{{Start: h.orderStart, End: h.orderEnd}}
}
