package binlog

import (
	"encoding/json"
	"fmt"
	"time"
)

// Time is an instant in microseconds since the Unix epoch, the precision in which MySQL
// writes commit times (fact 15.3). The zero value means "unknown". In JSON it is RFC 3339,
// UTC, with six digits of fraction.
type Time int64

// TimeOf turns a time.Time into a Time, dropping what is finer than a microsecond.
func TimeOf(t time.Time) Time { return Time(t.UnixMicro()) }

// Std returns t as a time.Time in UTC.
func (t Time) Std() time.Time { return time.UnixMicro(int64(t)).UTC() }

// String prints RFC 3339 in UTC with microseconds.
func (t Time) String() string { return t.Std().Format("2006-01-02T15:04:05.000000Z07:00") }

// MarshalJSON writes the text of String.
func (t Time) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// UnmarshalJSON reads any RFC 3339 time.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("read time: %w", err)
	}
	v, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return fmt.Errorf("read time: %w", err)
	}
	*t = TimeOf(v)
	return nil
}
