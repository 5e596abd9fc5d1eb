package ddl

// Parse reads the statement of one Query event. The only errors are those of the text's
// character set: whatever else cannot be read is reported as Uncertain.
func Parse(sql []byte, ctx Session) (*Statement, error) {
	text, err := DecodeText(sql, ctx.ClientCharset)
	if err != nil {
		return nil, err
	}
	s := &Statement{Text: text, session: ctx, lex: lex(text, ctx)}
	return s, nil
}
