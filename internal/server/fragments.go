package server

import (
	"fmt"
	"io"
	"strings"
)

// Text is a statement, or several joined by semicolons, that is written while it is sent: a long
// one need not lie in memory. Readers of package bytes and strings are such texts.
type Text interface {
	// Len returns the number of bytes that WriteTo writes.
	Len() int
	io.WriterTo
}

// writeBuffer is how much of a command goes out by one system call.
const writeBuffer = 64 << 10

// command sends a command with its text and starts a new sequence.
func (p *packets) command(code byte, text string) error {
	return p.send(code, strings.NewReader(text))
}

// send is command for a text that is written piece by piece.
func (p *packets) send(code byte, text Text) error {
	p.sequence = 0
	size := 1 + text.Len()
	f := &fragments{packets: p, left: size}
	p.out = p.out[:0]
	if _, err := f.Write([]byte{code}); err != nil {
		return err
	}
	if _, err := text.WriteTo(f); err != nil {
		return err
	}
	if f.left > 0 {
		return fmt.Errorf("a statement of %d bytes ends %d bytes early", size-1, f.left)
	}
	if size%maxFragment == 0 { // an empty fragment tells that nothing follows
		f.header()
	}
	return f.flush()
}

// fragments cuts a payload of known size into the protocol's fragments.
type fragments struct {
	packets  *packets
	left     int // bytes of the payload that are not written yet
	fragment int // of the present fragment
}

func (f *fragments) header() {
	f.fragment = min(f.left, maxFragment)
	n := f.fragment
	f.packets.out = append(f.packets.out, byte(n), byte(n>>8), byte(n>>16), f.packets.sequence)
	f.packets.sequence++
}

// Write implements io.Writer.
func (f *fragments) Write(b []byte) (int, error) { return writeFragments(f, b) }

// WriteString implements io.StringWriter: a text is not copied for it.
func (f *fragments) WriteString(s string) (int, error) { return writeFragments(f, s) }

func writeFragments[T []byte | string](f *fragments, b T) (int, error) {
	written := 0
	for written < len(b) {
		if f.left == 0 {
			return written, fmt.Errorf("a statement is %d bytes longer than it said", len(b)-written)
		}
		if f.fragment == 0 {
			f.header()
		}
		n := min(len(b)-written, f.fragment, max(writeBuffer-len(f.packets.out), 1))
		f.packets.out = append(f.packets.out, b[written:written+n]...)
		written += n
		f.left -= n
		f.fragment -= n
		if len(f.packets.out) >= writeBuffer {
			if err := f.flush(); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

func (f *fragments) flush() error {
	_, err := f.packets.conn.Write(f.packets.out)
	f.packets.out = f.packets.out[:0]
	return err
}
