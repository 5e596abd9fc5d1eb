package chunk_test

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

func TestMain(m *testing.M) {
	mysqltest.InMemory()
	mysqltest.Main(m)
}
