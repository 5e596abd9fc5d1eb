package event

// Parser decodes the events of one file after the other. It holds the state that events need
// from earlier ones: the format description with the checksum algorithm, the table maps of the
// open statement. Not safe for concurrent use.
type Parser struct {
	format *Format
}

// NewParser returns a parser that has seen nothing: the first event must be a format description.
func NewParser() *Parser { return &Parser{} }

// Format returns the format description in force; nil before the first.
func (p *Parser) Format() *Format { return p.format }

// Parse decodes one event as it stands in the file, with its header and checksum, which is
// verified. It returns one event, or all events of a compressed transaction, whose headers are
// the payload's with the type and timestamp of their own. The result aliases raw and is valid until the
// caller reuses raw or calls the parser again.
func (p *Parser) Parse(raw []byte) ([]Event, error) {
	var events []Event
	err := p.Each(raw, func(e Event) error {
		events = append(events, e)
		return nil
	})
	return events, err
}

// Each is Parse without a list: a compressed transaction is decompressed event by event, and an
// event is valid until fn returns. fn's error ends the walk and is returned unchanged.
func (p *Parser) Each(raw []byte, fn func(Event) error) error {
	return ErrUnsupported
}
