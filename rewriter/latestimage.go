package rewriter

import (
	"fmt"

	"github.com/tripod-db/tripod/binlog/event"
)

// put makes an image the last one of its key; made tells that the change brings the row under the key.
func (l *Latest) put(rule Rule, c Change, im event.Image, o Origin, kind change, exists, made bool) {
	k := l.find(im)
	if k == nil {
		// What is there behind its first change was there before unless that change made it, and
		// what a move brings to a key was not there.
		existed := c.Before.Exists() && (!exists || l.sameKey(Change{Before: c.Before, After: im}))
		k = l.add(o, kind)
		k.existed, k.window = existed, rule == Window
	}
	k.made = exists && (k.made || made)
	k.exists = exists
	k.layout = l.layout(c.Map)
	k.window = k.window || rule == Window
	var columns []byte
	if k.lacking = !im.Whole(); k.lacking {
		columns = im.Columns().Bytes()
	}
	data := im.Bytes()
	size := len(columns) + len(data)
	if room := k.data[k.keySize:cap(k.data)]; size <= len(room) {
		k.data = append(append(k.data[:k.keySize], columns...), data...)
		return
	}
	k.data = append(append(append(l.allocate(len(l.key)+size), l.key...), columns...), data...)
	k.keySize = int32(len(l.key))
}

// laidOver is the after image of a partial change over what the Latest has of its row.
func (l *Latest) laidOver(c Change) (event.Image, error) {
	k := l.find(c.After)
	if k == nil {
		return c.After, nil
	}
	if !k.exists {
		return event.Image{}, fmt.Errorf("%s of a row of %s that is not there: %w", c.kind(), l.table.name, ErrContradiction)
	}
	under, err := l.image(&l.images, k)
	if err != nil {
		return event.Image{}, err
	}
	return event.Overlay(c.Map, under, c.After), nil
}

// image reads the image of a key.
func (l *Latest) image(r *event.ImageReader, k *keyState) (im event.Image, err error) {
	m, data := l.maps[k.layout], k.data[k.keySize:]
	if k.lacking {
		n := (len(m.Columns) + 7) / 8
		im, err = r.ReadColumns(m, data[:n], data[n:])
	} else {
		im, err = r.Read(m, data)
	}
	if err != nil {
		return im, fmt.Errorf("%s: %w", l.table.name, err)
	}
	return im, nil
}

// stays tells whether the target keeps the row, as only it has some of the columns.
func (k *keyState) stays() bool { return k.exists && k.lacking && !k.made }
