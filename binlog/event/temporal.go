package event

import "time"

// The binary forms of temporal values since MySQL 5.6.4, big-endian: TIMESTAMP is seconds since
// the epoch; TIME and DATETIME are a signed number, with its top bit inverted, of packed fields.
// Fractional seconds follow in 1, 2 or 3 bytes, in hundredths, ten-thousandths or millionths.

// packed is a TIME or DATETIME taken apart: sign, packed fields, fraction in the stored unit.
type packed struct {
	negative bool
	fields   uint64
	fraction uint64
}

// unpack splits a value with size bytes of fraction. The sign covers fields and fraction
// together, so that -00:00:00.5 is told from 00:00:00.5.
func unpack(b []byte, size int) packed {
	v := int64(bigEndian(b)) - 1<<(8*len(b)-1)
	p := packed{negative: v < 0}
	if v < 0 {
		v = -v
	}
	p.fields = uint64(v) >> (8 * size)
	p.fraction = uint64(v) & (1<<(8*size) - 1)
	return p
}

// appendTime2 prints a TIME with its fractional digits.
func appendTime2(dst []byte, b []byte, digits uint16) []byte {
	p := unpack(b, fractionSize(digits))
	return appendTimeFields(dst, p.negative, p.fields, p.fraction, digits)
}

func appendTimeFields(dst []byte, negative bool, fields, fraction uint64, digits uint16) []byte {
	if negative {
		dst = append(dst, '-')
	}
	hours := fields >> 12 & 0x3ff
	if hours > 99 {
		dst = appendUint(dst, hours, 3)
	} else {
		dst = appendUint(dst, hours, 2)
	}
	dst = append(dst, ':')
	dst = appendUint(dst, fields>>6&0x3f, 2)
	dst = append(dst, ':')
	dst = appendUint(dst, fields&0x3f, 2)
	return appendFraction(dst, fraction, digits)
}

// appendDatetime2 prints a DATETIME with its fractional digits. Zero, incomplete and impossible
// dates are printed as they are (fact 6).
func appendDatetime2(dst []byte, b []byte, digits uint16) []byte {
	p := unpack(b, fractionSize(digits))
	dst = appendDateFields(dst, p.fields>>17)
	dst = append(dst, ' ')
	return appendTimeFields(dst, false, p.fields&(1<<17-1), p.fraction, digits)
}

// appendDateFields prints a packed date: year*13+month, 5 bits of day.
func appendDateFields(dst []byte, ymd uint64) []byte {
	month := ymd >> 5
	return appendDate(dst, month/13, month%13, ymd&0x1f)
}

func appendDate(dst []byte, year, month, day uint64) []byte {
	dst = appendUint(dst, year, 4)
	dst = append(dst, '-')
	dst = appendUint(dst, month, 2)
	dst = append(dst, '-')
	return appendUint(dst, day, 2)
}

// appendDate3 prints a DATE: 3 little-endian bytes of 5 bits day, 4 bits month, 15 bits year.
func appendDate3(dst []byte, b []byte) []byte {
	v := littleEndian(b)
	return appendDate(dst, v>>9, v>>5&0xf, v&0x1f)
}

// appendTimestamp2 prints a TIMESTAMP in UTC; zero seconds are the zero date.
func appendTimestamp2(dst []byte, b []byte, digits uint16) []byte {
	seconds := bigEndian(b[:4])
	fraction := bigEndian(b[4:])
	if seconds == 0 {
		dst = append(dst, "0000-00-00 00:00:00"...)
	} else {
		dst = time.Unix(int64(seconds), 0).UTC().AppendFormat(dst, "2006-01-02 15:04:05")
	}
	return appendFraction(dst, fraction, digits)
}

// appendFraction prints a point and digits digits of a fraction in the stored unit, which has an
// even number of digits.
func appendFraction(dst []byte, fraction uint64, digits uint16) []byte {
	if digits == 0 {
		return dst
	}
	dst = append(dst, '.')
	stored := int(digits+1) / 2 * 2
	dst = appendUint(dst, fraction, stored)
	return dst[:len(dst)-(stored-int(digits))]
}

// appendUint prints the lowest n decimal digits of v, with leading zeros.
func appendUint(dst []byte, v uint64, n int) []byte {
	start := len(dst)
	for range n {
		dst = append(dst, '0')
	}
	for i := n - 1; i >= 0; i-- {
		dst[start+i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}
