package server

import (
	"context"
	"errors"
	"fmt"
)

// Exec sends statements without rows as one packet, while their text is being written, and
// returns the affected rows of each. The first server error ends it: the statements behind it
// are not run, an open transaction stays open. A text that fails, or is not as long as it said,
// gives up the connection (Broken).
func (c *RawConn) Exec(ctx context.Context, text Text) (affected []int64, err error) {
	err = c.within(ctx, func() error {
		affected, err = c.exec(text)
		return err
	})
	if err != nil {
		return nil, err
	}
	return affected, nil
}

func (c *RawConn) exec(text Text) ([]int64, error) {
	if err := c.packets.send(commandQuery, text); err != nil {
		c.broken = true
		return nil, fmt.Errorf("send statement: %w", err)
	}
	var affected []int64
	for {
		rows, more, err := c.readCount()
		if err != nil {
			c.broken = ErrorNumber(err) == 0
			return nil, err
		}
		affected = append(affected, rows)
		if !more {
			return affected, nil
		}
	}
}

// readCount reads the answer to a statement without rows.
func (c *RawConn) readCount() (rows int64, more bool, err error) {
	packet, err := c.packets.read()
	switch {
	case err != nil:
		return 0, false, fmt.Errorf("read result: %w", err)
	case len(packet) == 0:
		return 0, false, errMalformed
	case packet[0] == 0xff:
		return 0, false, errorPacket(packet)
	case packet[0] != 0x00:
		return 0, false, errors.New("read result: a statement that should have no rows has some")
	}
	affected, status, err := okPacket(packet)
	return int64(affected), status&statusMoreResults != 0, err
}
