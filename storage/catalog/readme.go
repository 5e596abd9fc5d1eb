package catalog

import _ "embed"

// readme is the store's README.md: a restore by hand.
//
//go:embed store_readme.md
var readme []byte
