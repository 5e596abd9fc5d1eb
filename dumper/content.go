package dumper

import (
	"sync"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/chunk"
)

// content is what the last read that counted found of a table.
type content struct {
	table   *schema.Table
	class   schema.Class
	columns []string
	chunks  []storedChunk
}

// load returns the statement that loads the chunks, empty where no rows are kept.
func (c *content) load() string {
	if c.class == schema.NoRows {
		return ""
	}
	return chunk.LoadStatement(c.table).String()
}

// contents keeps what was read, beside the rules' state: texts, chunks, defaults.
type contents struct {
	mu       sync.Mutex
	tables   map[schema.Name]*content
	schemas  map[string]catalog.SchemaBase
	objects  map[objectName]catalog.Object
	accounts []account
	missing  []catalog.NotBackedUp
	// written counts the chunks that this run has put for a table; those that the manifest does
	// not name are left over. before is the number in front of the first one.
	written map[schema.Name]uint64
	before  uint64
}

type objectName struct {
	kind catalog.ObjectKind
	name schema.Name
}

func newContents() *contents {
	return &contents{
		tables: map[schema.Name]*content{}, schemas: map[string]catalog.SchemaBase{}, objects: map[objectName]catalog.Object{},
		written: map[schema.Name]uint64{},
	}
}

func (c *contents) put(n schema.Name, t *content) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tables[n] = t
}

func (c *contents) remove(n schema.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tables, n)
}

func (c *contents) table(n schema.Name) *content {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tables[n]
}

// nextChunk returns the number of a table's next chunk. None is given twice.
func (c *contents) nextChunk(n schema.Name) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written[n]++
	return c.before + c.written[n]
}

// setDefinition replaces the definition of a table whose chunks stay.
func (c *contents) setDefinition(t *schema.Table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.tables[t.Name]; old != nil {
		old.table = t
	}
}

// stored counts the chunks that this run has put, of all tables.
func (c *contents) stored() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := uint64(0)
	for _, written := range c.written {
		n += written
	}
	return int(n)
}

func (c *contents) setSchema(s catalog.SchemaBase) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.schemas[s.Name] = s
}

func (c *contents) setObject(o catalog.Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.objects[objectName{o.Kind, o.Name}] = o
}

func (c *contents) setAccounts(list []account) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accounts = list
}

func (c *contents) takenAccounts() []account {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accounts
}

func (c *contents) leaveOut(m catalog.NotBackedUp) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missing = append(c.missing, m)
}
