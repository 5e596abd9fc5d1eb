package ddl

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// multiByte is a character set of several bytes per character: the shape of its characters as
// the server cuts them, and a decoder that agrees with the server except for runs.
type multiByte struct {
	// width returns the length of the character at the start of b, 0 if there is none.
	width   func(b []byte) int
	decoder encoding.Encoding
	runs    []charsetRun
}

// charsetRun says that count characters from code on, in the set's own order, are first,
// first+1 and so on to the server.
type charsetRun struct {
	code  uint32
	first rune
	count int
}

var multiBytes = map[string]multiByte{
	"big5":    {double(0xA1, 0xF9, trailBig5), traditionalchinese.Big5, runsBig5},
	"gb2312":  {double(0xA1, 0xF7, trailHigh), simplifiedchinese.GBK, runsGB2312},
	"gbk":     {double(0x81, 0xFE, trailGBK), simplifiedchinese.GBK, nil},
	"gb18030": {widthGB18030, simplifiedchinese.GB18030, runsGB18030},
	"euckr":   {double(0x81, 0xFE, trailEUCKR), korean.EUCKR, nil},
	"sjis":    {widthShiftJIS, japanese.ShiftJIS, runsShiftJIS},
	"cp932":   {widthShiftJIS, japanese.ShiftJIS, runsCP932},
	"ujis":    {widthEUCJP, japanese.EUCJP, runsUJIS},
	"eucjpms": {widthEUCJP, japanese.EUCJP, runsEUCJPMS},
}

func within(b, low, high byte) bool { return b >= low && b <= high }

func trailBig5(b byte) bool { return within(b, 0x40, 0x7E) || within(b, 0xA1, 0xFE) }
func trailHigh(b byte) bool { return within(b, 0xA1, 0xFE) }
func trailGBK(b byte) bool  { return within(b, 0x40, 0x7E) || within(b, 0x80, 0xFE) }
func trailSJIS(b byte) bool { return within(b, 0x40, 0x7E) || within(b, 0x80, 0xFC) }
func trailEUCKR(b byte) bool {
	return within(b, 0x41, 0x5A) || within(b, 0x61, 0x7A) || within(b, 0x81, 0xFE)
}

// double is the shape of sets with characters of one or two bytes.
func double(low, high byte, trail func(byte) bool) func([]byte) int {
	return func(b []byte) int {
		switch {
		case b[0] < 0x80:
			return 1
		case len(b) > 1 && within(b[0], low, high) && trail(b[1]):
			return 2
		}
		return 0
	}
}

func widthGB18030(b []byte) int {
	switch {
	case b[0] < 0x80:
		return 1
	case len(b) < 2 || !within(b[0], 0x81, 0xFE):
		return 0
	case trailGBK(b[1]):
		return 2
	case len(b) > 3 && isDigit(b[1]) && within(b[2], 0x81, 0xFE) && isDigit(b[3]):
		return 4
	}
	return 0
}

func widthShiftJIS(b []byte) int {
	switch {
	case b[0] < 0x80, within(b[0], 0xA1, 0xDF):
		return 1
	case len(b) > 1 && (within(b[0], 0x81, 0x9F) || within(b[0], 0xE0, 0xFC)) && trailSJIS(b[1]):
		return 2
	}
	return 0
}

func widthEUCJP(b []byte) int {
	switch {
	case b[0] < 0x80:
		return 1
	case len(b) > 1 && b[0] == 0x8E && within(b[1], 0xA1, 0xDF):
		return 2
	case len(b) > 2 && b[0] == 0x8F && trailHigh(b[1]) && trailHigh(b[2]):
		return 3
	case len(b) > 1 && trailHigh(b[0]) && trailHigh(b[1]):
		return 2
	}
	return 0
}
