package event

// Limits of DECIMAL: the scale of a MariaDB's ends at 38, that of a MySQL's at 30.
const (
	maxDecimalPrecision = 65
	maxDecimalScale     = 38
)

// digitsPerGroup decimal digits are stored in 4 bytes, the rest in as few as it needs.
const digitsPerGroup = 9

// groupSize is the number of bytes of 0 to 9 digits.
var groupSize = [digitsPerGroup + 1]int{0, 1, 1, 2, 2, 3, 3, 4, 4, 4}

// decimalSize is the length of a stored DECIMAL(precision, scale).
func decimalSize(precision, scale int) int {
	whole := precision - scale
	return whole/digitsPerGroup*4 + groupSize[whole%digitsPerGroup] + scale/digitsPerGroup*4 + groupSize[scale%digitsPerGroup]
}

// appendDecimal prints a stored DECIMAL: all digits of its scale, no exponent, a zero before the
// point. b has decimalSize bytes: big-endian groups of digits, the incomplete group of the whole
// part first, that of the fraction last. The top bit is set in numbers that are not negative;
// negative ones have all bits inverted.
func appendDecimal(dst []byte, b []byte, precision, scale int) []byte {
	negative := b[0]&0x80 == 0
	var invert byte
	if negative {
		invert = 0xff
		dst = append(dst, '-')
	}
	pos := 0
	group := func(digits int) uint64 {
		var v uint64
		for range groupSize[digits] {
			x := b[pos] ^ invert
			if pos == 0 {
				x ^= 0x80
			}
			v = v<<8 | uint64(x)
			pos++
		}
		return v
	}
	whole := precision - scale
	start := len(dst)
	if n := whole % digitsPerGroup; n > 0 {
		dst = appendUint(dst, group(n), n)
	}
	for range whole / digitsPerGroup {
		dst = appendUint(dst, group(digitsPerGroup), digitsPerGroup)
	}
	dst = dropLeadingZeros(dst, start)
	if scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	for range scale / digitsPerGroup {
		dst = appendUint(dst, group(digitsPerGroup), digitsPerGroup)
	}
	if n := scale % digitsPerGroup; n > 0 {
		dst = appendUint(dst, group(n), n)
	}
	return dst
}

// dropLeadingZeros removes the zeros that begin at start, but leaves one digit.
func dropLeadingZeros(dst []byte, start int) []byte {
	n := start
	for n < len(dst)-1 && dst[n] == '0' {
		n++
	}
	if start == len(dst) {
		return append(dst, '0')
	}
	return append(dst[:start], dst[n:]...)
}
