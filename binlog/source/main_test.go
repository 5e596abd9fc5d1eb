package source_test

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

func TestMain(m *testing.M) {
	mysqltest.InMemory() // but for those of the hammer
	mysqltest.Main(m)
}
