package bases

import (
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/storage/catalog"
)

// namesTold is how many of the things that have no base yet are named.
const namesTold = 3

// missing names what has no base yet, with what is done about it and why it is read again.
func (b *Bases) missing() string {
	if _, known := b.Floor(); !known {
		return "the floor"
	}
	if !b.listed {
		return "discovery"
	}
	var told []string
	more := 0
	note := func(settled bool, what string, p progress, again []catalog.ReadAgain) {
		switch {
		case settled:
		case len(told) == namesTold:
			more++
		default:
			told = append(told, what+" ("+p.String()+whyAgain(again)+")")
		}
	}
	for _, n := range b.order {
		note(n.settled(), n.spelled.String(), n.progress, n.again)
	}
	for _, s := range b.schemaList {
		note(s.settled(), "schema "+s.spelled, s.progress, s.again)
	}
	for _, o := range b.objectList {
		note(o.settled(), fmt.Sprintf("%s %s", o.kind, o.spelled), o.progress, o.again)
	}
	text := strings.Join(told, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (p progress) String() string {
	switch p {
	case idle:
		return "to be read"
	case reading:
		return "being read"
	case read:
		return "read, its low watermark is not known"
	case rereadDef:
		return "its definition is to be read"
	case readingDef:
		return "its definition is being read"
	}
	return "unknown"
}

// whyAgain tells what was in the way of the last read.
func whyAgain(again []catalog.ReadAgain) string {
	if len(again) == 0 {
		return ""
	}
	return fmt.Sprintf(", for the %s time: %s", ordinal(len(again)+1), Cause(again[len(again)-1]))
}

func ordinal(n int) string {
	suffix := "th"
	if tens := n % 100; tens < 11 || tens > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n, suffix)
}

// Cause tells what made a read void: the reason, and the statement and its place where known.
func Cause(a catalog.ReadAgain) string {
	text := a.Reason
	if a.Statement != "" {
		text += ": " + a.Statement
	}
	if !a.Position.IsZero() {
		text += " at " + a.Position.String()
	}
	return text
}

// ByRows tells whether rows had the table read again, and no statement (R5).
func ByRows(a catalog.ReadAgain) bool {
	return a.Reason == ReasonKeyless || a.Reason == ReasonPartial || a.Reason == ReasonCascade
}

// MustPass tells of a place that the stream has to pass before a read goes on.
func (b *Bases) MustPass(p binlog.Position) { b.mustPass = binlog.Later(b.mustPass, p) }

// Target is the place that the stream has to pass for everything that has been read by now.
// That it comes nearer to it is progress; that it moves behind it is none.
func (b *Bases) Target() binlog.Position {
	return binlog.Later(binlog.Later(b.cfg.First.High, b.mustPass), b.highest())
}

// TakeAsked tells whether something was asked for since it was called last: a read may be wanted.
func (b *Bases) TakeAsked() bool {
	asked := b.asked
	b.asked = false
	return asked
}
