package event

// AppendJSON appends the text of a stored JSON document, byte for byte what SELECT prints.
func AppendJSON(dst []byte, jsonb []byte) ([]byte, error) { return dst, ErrUnsupported }
