package main

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/tripod-db/tripod/internal/progress"
)

const (
	nameWidth = 11 // of the usual phases, so that bars stand below each other
	// narrowestBar is the width below which a bar says nothing; a wide one says no more than widestBar.
	narrowestBar, widestBar = 12, 40
	// patience is how long something stands still before a line says why.
	patience = time.Second
)

// phaseLine renders a phase for a terminal of this width: name, bar, and as much of percent,
// time left, rows, bytes and rate as there is room for.
func phaseLine(s progress.Snapshot, width int) string {
	name := runewidth.FillRight(s.Name, nameWidth)
	fraction, known := s.Fraction()
	var facts []string
	if s.Ended {
		facts = append(facts, "done in "+rounded(s.Elapsed))
	} else if known {
		facts = append(facts, strconv.Itoa(int(fraction*100))+"%")
	}
	if left, ok := s.Left(); ok && !s.Ended {
		facts = append(facts, rounded(left)+" left")
	}
	if s.Done.Rows > 0 {
		facts = append(facts, thousands(s.Done.Rows)+" rows")
	}
	if s.Done.Bytes > 0 {
		facts = append(facts, size(s.Done.Bytes))
		facts = append(facts, size(s.Rate().Bytes)+"/s")
	} else if s.Done.Rows == 0 && s.Done.Items > 0 {
		items := thousands(s.Done.Items)
		if s.Total.Items > 0 {
			items += " of " + thousands(s.Total.Items)
		}
		facts = append(facts, items)
	}
	line := name
	for _, f := range facts { // the first ones are the ones to keep
		if runewidth.StringWidth(line)+2+len(f) <= width {
			line += "  " + f
		}
	}
	room := min(width-runewidth.StringWidth(line)-1, widestBar)
	if s.Ended || !known || room < narrowestBar {
		return cut(line, width)
	}
	return name + " " + barText(fraction, room) + line[len(name):]
}

// barText is a bar of this width, its ends included.
func barText(fraction float64, width int) string {
	const whole = 1000
	var text strings.Builder
	state := decor.Statistics{AvailableWidth: width, Total: whole, Current: int64(fraction * whole)}
	if err := mpb.BarStyle().Build().Fill(&text, state); err != nil {
		return "" // a strings.Builder takes everything
	}
	return text.String()
}

// statusText says what a phase does or, before that, what it waits for; store is what all
// phases wait for.
func statusText(s progress.Snapshot, store string) string {
	if s.Ended {
		return ""
	}
	if why := waiting(s.Waiting, s.Waited); why != "" {
		return why
	}
	if store != "" {
		return store
	}
	return s.Doing
}

// waiting is the text of a wait that lasts; empty for none.
func waiting(why string, lasts time.Duration) string {
	if why == "" || lasts < patience {
		return ""
	}
	return "waits " + why + " (" + rounded(lasts) + ")"
}

// cut shortens a text to a width. What the text holds of names comes from servers: it must not
// move the cursor.
func cut(text string, width int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	return runewidth.Truncate(text, width, "~")
}

func rounded(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// thousands separates the digits of a number by threes.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// size prints bytes with three digits or so.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	value, unit := float64(n), 0
	for value >= 1000 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	digits := 0
	if unit > 0 && value < 100 {
		digits = 1
	}
	return strconv.FormatFloat(value, 'f', digits, 64) + " " + units[unit]
}
