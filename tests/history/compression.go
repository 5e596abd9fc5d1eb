package history

import (
	"fmt"
	"math/rand/v2"
)

var compression = Feature{
	Name: "compression", Doc: "sessions that compress their transactions in the log, switched in mid-flight", Share: 50,
	Session: func(w *writer) []string { return setCompression(w.r) },
	Between: func(w *writer) []string { return setCompression(w.r) },
	Logged:  "Transaction_Payload",
}

func setCompression(r *rand.Rand) []string {
	return []string{fmt.Sprintf("SET SESSION binlog_transaction_compression=%s, binlog_transaction_compression_level_zstd=%d", pick(r, "ON", "ON", "OFF"), r.IntN(22)+1)}
}
