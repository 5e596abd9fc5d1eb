package target

import "fmt"

// ErrPacketTooLarge is what a server answers to a packet that is longer than it takes.
const ErrPacketTooLarge = 1153

// PacketSlack is what a packet holds beside its text.
const PacketSlack = 1024

// LargestPacket is the greatest max_allowed_packet.
const LargestPacket = 1 << 30

// PacketHint is the remedy where the target does not take a packet of so many bytes.
func PacketHint(bytes int) string {
	return fmt.Sprintf("on the target: SET GLOBAL max_allowed_packet = %d", RoundPacket(bytes))
}

// RoundPacket returns a max_allowed_packet that takes so many bytes: the next power of two.
func RoundPacket(bytes int) int {
	n := 1 << 20
	for n < bytes+PacketSlack && n < LargestPacket {
		n <<= 1
	}
	return n
}
