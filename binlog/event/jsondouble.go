package event

import (
	"math"
	"strconv"
)

// How the server prints a double in a JSON document: the shortest digits that read back as the
// same double, without exponent unless there would be more than maxLeadingZeros zeros between
// point and digits, or zeros between digits and point and more than maxPlainDigits digits before
// the point. (Measured on 9.7 over thousands of doubles: TestAppendJSONAgainstServer.)
const (
	maxPlainDigits  = 15
	maxLeadingZeros = 14
)

// double prints a double so that it is read back as one: with a point or an exponent.
func (w *jsonWriter) double(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return jsonbError("floating-point value %v", f)
	}
	var buf [32]byte
	digits, exponent := shortestDigits(buf[:0], math.Abs(f))
	if math.Signbit(f) {
		w.dst = append(w.dst, '-')
	}
	if isPlain(len(digits), exponent) {
		w.dst = appendPlain(w.dst, digits, exponent)
	} else {
		w.dst = appendExponent(w.dst, digits, exponent)
	}
	return nil
}

// shortestDigits returns the significant digits of f, which is not negative, and the place of
// the point: the value is 0.digits times 10 to the exponent. Zero is "0" with exponent 1.
func shortestDigits(buf []byte, f float64) (digits []byte, exponent int) {
	if f == 0 {
		return append(buf, '0'), 1
	}
	buf = strconv.AppendFloat(buf, f, 'e', -1, 64) // d[.ddd]e±xx
	e := len(buf) - 1
	for buf[e] != 'e' {
		e--
	}
	negative := buf[e+1] == '-'
	for _, b := range buf[e+2:] {
		exponent = exponent*10 + int(b-'0')
	}
	if negative {
		exponent = -exponent
	}
	digits = append(buf[:1], buf[min(2, e):e]...)
	return digits, exponent + 1
}

// isPlain tells whether n digits with the point at exponent are printed without an exponent.
func isPlain(n, exponent int) bool {
	return exponent >= -maxLeadingZeros && (exponent <= maxPlainDigits || n > exponent)
}

func appendPlain(dst, digits []byte, exponent int) []byte {
	switch {
	case exponent <= 0:
		dst = append(dst, "0."...)
		for range -exponent {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	case exponent < len(digits):
		dst = append(dst, digits[:exponent]...)
		dst = append(dst, '.')
		return append(dst, digits[exponent:]...)
	}
	dst = append(dst, digits...)
	for range exponent - len(digits) {
		dst = append(dst, '0')
	}
	return append(dst, ".0"...)
}

func appendExponent(dst, digits []byte, exponent int) []byte {
	dst = append(dst, digits[0])
	if len(digits) > 1 {
		dst = append(dst, '.')
		dst = append(dst, digits[1:]...)
	}
	dst = append(dst, 'e')
	return strconv.AppendInt(dst, int64(exponent-1), 10)
}
