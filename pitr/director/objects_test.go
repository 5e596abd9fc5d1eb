package director

import (
	"testing"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// What expandView and Finish make on the way has a name that must be free on the target.
func TestNamesOnTheWayAreAmongWhatIsCreated(t *testing.T) {
	s, err := newObjectSet(&catalog.Manifest{}, func(*Object) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	gone := &Object{Kind: catalog.KindView, Name: schema.Name{Schema: "s", Name: "gone"}}
	s.put(gone)
	s.remove(gone)
	if len(s.names) != 1 {
		t.Errorf("the view that was dropped on the way is forgotten: %v", s.names)
	}
}
