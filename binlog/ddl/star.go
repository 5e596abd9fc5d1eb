package ddl

import "regexp"

// selectStar finds a star that stands for columns: behind SELECT (and its modifiers), a comma or
// a dot. COUNT(*) and a product are none; a comment may be taken for one, which costs time only.
var selectStar = regexp.MustCompile(`(?i)(?:\b(?:SELECT|ALL|DISTINCT|DISTINCTROW)|[,.])\s*\*`)

// HasStar tells whether the text selects columns by a star. The source keeps the columns that it
// stood for when a view was made; the log keeps the star.
func (s *Statement) HasStar() bool { return selectStar.MatchString(s.Text) }
