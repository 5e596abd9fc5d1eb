package ddl

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"

	"github.com/tripod-db/tripod/internal/schema"
)

// ErrCharset is wrapped by every error about a character set that cannot be converted.
var ErrCharset = fmt.Errorf("character set cannot be converted")

// DecodeText converts a statement from the character set of a collation id (status variable 4
// of its event) to UTF-8; 0 is UTF-8. Bytes that are no character of the set become U+FFFD;
// texts in UTF-8 and binary stay byte for byte, valid or not. The error, an ErrCharset, names
// a character set that cannot be decoded: utf16, utf32 and ucs2, which no client may use, and
// swe7 and armscii8, in which a quote can be a letter and a letter a quote.
func DecodeText(text []byte, collation uint16) (string, error) {
	cs, err := clientCharset(collation)
	if err != nil {
		return "", err
	}
	if cs == nil || isASCII(text) {
		return string(text), nil
	}
	return cs.decode(text), nil
}

// EncodeText converts UTF-8 back to the character set of a collation id, so that a statement
// can be sent under the character_set_client of its event. The error, an ErrCharset, says
// which character the set does not have.
func EncodeText(text string, collation uint16) ([]byte, error) {
	cs, err := clientCharset(collation)
	if err != nil {
		return nil, err
	}
	if cs == nil {
		return []byte(text), nil
	}
	table := cs.encoder()
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
			continue
		}
		code, ok := table[r]
		if !ok && cs.name == "gb18030" {
			code, ok = cs.fourBytes(r)
		}
		if !ok {
			return nil, fmt.Errorf("%w: %s has no character %U", ErrCharset, cs.name, r)
		}
		out = append(out, code...)
	}
	return out, nil
}

// charset converts one character set; nil stands for UTF-8 and binary, whose texts are taken
// as they are (identifiers of a binary client are UTF-8 to the server).
type charset struct {
	name   string
	single []rune // 128 runes for 0x80 to 0xFF
	multi  multiByte
	once   sync.Once
	exact  map[uint32]rune // where the server differs from multi.decoder
	back   map[rune]string
	lock   sync.Mutex
}

var clientCharsets = clientCharsetTable()

func clientCharsetTable() map[string]*charset {
	sets := map[string]*charset{"utf8mb3": nil, "utf8mb4": nil, "binary": nil}
	sets["ascii"] = &charset{name: "ascii", single: []rune(strings.Repeat("\uFFFD", 128))}
	for name, table := range singleByte {
		sets[name] = &charset{name: name, single: []rune(table)}
	}
	for name, m := range multiBytes {
		sets[name] = &charset{name: name, multi: m}
	}
	return sets
}

func clientCharset(collation uint16) (*charset, error) {
	if collation == 0 {
		return nil, nil
	}
	c, ok := schema.CharsetOfCollation(collation)
	if !ok {
		return nil, fmt.Errorf("%w: collation number %d is unknown", ErrCharset, collation)
	}
	cs, ok := clientCharsets[c.Name]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrCharset, c.Name)
	}
	return cs, nil
}

func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (c *charset) decode(text []byte) string {
	var out strings.Builder
	out.Grow(len(text) + len(text)/2)
	if c.single != nil {
		for _, b := range text {
			out.WriteRune(c.runeOf(b))
		}
		return out.String()
	}
	decoder := c.multi.decoder.NewDecoder()
	for len(text) > 0 {
		n := c.multi.width(text)
		switch {
		case n == 0:
			out.WriteRune(utf8.RuneError)
			n = 1
		case text[0] < utf8.RuneSelf:
			out.WriteByte(text[0])
		default:
			out.WriteRune(c.character(decoder, text[:n]))
		}
		text = text[n:]
	}
	return out.String()
}

func (c *charset) runeOf(b byte) rune {
	if b < utf8.RuneSelf {
		return rune(b)
	}
	return c.single[b-utf8.RuneSelf]
}

// character decodes one character of several bytes, or one kana byte. A character that would
// become ASCII stays undecoded: it is no quote and no backslash to the server.
func (c *charset) character(decoder *encoding.Decoder, code []byte) rune {
	if r, ok := c.exceptions()[number32(code)]; ok {
		return r
	}
	decoder.Reset()
	plain, err := decoder.Bytes(code)
	r, n := utf8.DecodeRune(plain)
	if err != nil || n != len(plain) || r < utf8.RuneSelf {
		return utf8.RuneError
	}
	return r
}

func number32(code []byte) uint32 {
	var n uint32
	for _, b := range code {
		n = n<<8 | uint32(b)
	}
	return n
}

// exceptions spreads the runs of the set into a map, once.
func (c *charset) exceptions() map[uint32]rune {
	c.once.Do(func() {
		c.exact = map[uint32]rune{}
		for _, run := range c.multi.runs {
			code := run.code
			c.exact[code] = run.first
			for i := 1; i < run.count; i++ {
				code = c.multi.following(code)
				c.exact[code] = run.first + rune(i)
			}
		}
	})
	return c.exact
}

// following returns the code behind code in the set's own order; there must be one.
func (m multiByte) following(code uint32) uint32 {
	for {
		code++
		b := bytes.TrimLeft([]byte{byte(code >> 24), byte(code >> 16), byte(code >> 8), byte(code)}, "\x00")
		if len(b) == 0 || m.width(b) == len(b) && len(b) > 1 {
			return code
		}
	}
}

// encoder returns the way back: each character with the first code that decodes to it.
func (c *charset) encoder() map[rune]string {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.back != nil {
		return c.back
	}
	c.back = map[rune]string{}
	add := func(code []byte) {
		r, _ := utf8.DecodeRuneInString(c.decode(code))
		if _, ok := c.back[r]; !ok && r != utf8.RuneError && r >= utf8.RuneSelf {
			c.back[r] = string(code)
		}
	}
	for lead := 0x80; lead <= 0xFF; lead++ {
		if c.single != nil || c.multi.width([]byte{byte(lead)}) == 1 {
			add([]byte{byte(lead)})
			continue
		}
		c.addDoubles(byte(lead), add)
	}
	return c.back
}

// fourBytes encodes the characters of gb18030 that are too many for a table.
func (c *charset) fourBytes(r rune) (string, bool) {
	code, err := c.multi.decoder.NewEncoder().String(string(r))
	return code, err == nil && c.decode([]byte(code)) == string(r)
}

// addDoubles offers the characters of two and three bytes that begin with lead.
func (c *charset) addDoubles(lead byte, add func([]byte)) {
	for trail := 0x40; trail <= 0xFF; trail++ {
		code := []byte{lead, byte(trail), 0}
		if c.multi.width(code[:2]) == 2 {
			add(code[:2])
			continue
		}
		if lead != 0x8F {
			continue
		}
		for third := 0xA1; third <= 0xFE; third++ {
			code[2] = byte(third)
			if c.multi.width(code) == 3 {
				add(code)
			}
		}
	}
}
