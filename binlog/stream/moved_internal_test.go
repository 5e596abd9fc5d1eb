package stream

import (
	"net"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestWhatMovesAStream: a part of a large event is progress, however long the rest takes; a heartbeat is none.
func TestWhatMovesAStream(t *testing.T) {
	server, client := net.Pipe()
	defer server.Close()
	p := newPackets(client, time.Minute)
	s := &Stream{packets: p}
	packet := func(number byte, length int) []byte {
		return append([]byte{byte(length), byte(length >> 8), byte(length >> 16), number}, make([]byte, length)...)
	}
	read := make(chan int)
	go func() {
		defer close(read)
		for range 2 {
			payload, err := p.read()
			if err != nil {
				t.Error(err)
				return
			}
			read <- len(payload)
		}
	}()
	write := func(b []byte) {
		t.Helper()
		if _, err := server.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	write(packet(1, 60)) // as long as a heartbeat
	if n := <-read; n != 60 || !s.Moved().IsZero() {
		t.Fatalf("behind a packet of %d bytes the stream moved at %v", n, s.Moved())
	}
	large := packet(2, 1<<20)
	write(large[:packetHeader])
	last := time.Now()
	for part := packetHeader; part < len(large)/2; part += 64 << 10 {
		write(large[part : part+64<<10])
		before := last
		mysqltest.Eventually(t, func() bool {
			last = s.Moved()
			return last.After(before)
		}, "the part of an event to move the stream")
	}
	write(large[packetHeader+512<<10:])
	if n := <-read; n != 1<<20 {
		t.Fatalf("%d bytes", n)
	}
	<-read
	if err := client.Close(); err != nil {
		t.Error(err)
	}
}
