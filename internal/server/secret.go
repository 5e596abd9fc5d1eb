package server

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every way of printing a Secret shows.
const redacted = "***"

// Secret is a password. It prints as *** under every verb of fmt, in JSON, in text encodings
// and in slog; only Reveal gives the value. The value lies behind a pointer so that not even
// fmt's look into unexported fields of other structs shows it. The zero value is the empty
// password.
type Secret struct {
	value *string
}

// NewSecret wraps a password.
func NewSecret(password string) Secret { return Secret{value: &password} }

// Reveal returns the password.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsEmpty tells whether the password is empty, or was never set.
func (s Secret) IsEmpty() bool { return s.Reveal() == "" }

// String returns ***.
func (s Secret) String() string { return redacted }

// GoString returns ***.
func (s Secret) GoString() string { return redacted }

// Format prints *** whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) {
	// fmt.State swallows nothing: a failed write is told to whoever called fmt.
	_, _ = io.WriteString(f, redacted)
}

// MarshalText returns ***.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns ***.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// UnmarshalText sets the password, for configuration files.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
