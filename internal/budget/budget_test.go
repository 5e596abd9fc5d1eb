package budget_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tripod-db/tripod/internal/budget"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAcquireWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(100)
		first, err := b.Acquire(t.Context(), 60)
		if err != nil {
			t.Fatal(err)
		}
		acquired := make(chan func())
		go func() {
			release, err := b.Acquire(t.Context(), 50)
			if err != nil {
				t.Error(err)
			}
			acquired <- release
		}()
		synctest.Wait()
		select {
		case <-acquired:
			t.Fatal("50 bytes were given although 60 of 100 are held")
		default:
		}
		first()
		release := <-acquired
		if held := b.Held(); held != 50 {
			t.Fatalf("%d bytes held instead of 50", held)
		}
		release()
		release() // a second call gives nothing back
		if held := b.Held(); held != 0 {
			t.Fatalf("%d bytes held at the end", held)
		}
	})
}

func TestOversizeItemPassesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(100)
		small, err := b.Acquire(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		passed := make(chan func())
		go func() {
			release, err := b.Acquire(t.Context(), 1000)
			if err != nil {
				t.Error(err)
			}
			passed <- release
		}()
		synctest.Wait()
		select {
		case <-passed:
			t.Fatal("an oversize item passed beside another one")
		default:
		}
		small()
		release := <-passed
		if _, ok := b.TryAcquire(1); ok {
			t.Fatal("something passed beside an oversize item")
		}
		if most := b.Most(); most != 1000 {
			t.Fatalf("at most %d bytes were in use instead of 1000", most)
		}
		release()
		if again, ok := b.TryAcquire(100); !ok {
			t.Fatal("the budget is not whole again")
		} else {
			again()
		}
	})
}

func TestOversizeItemPassesBesideReservations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(100)
		giveBack, err := b.Reserve(t.Context(), 60)
		if err != nil {
			t.Fatal(err)
		}
		oversize, err := b.Acquire(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := b.TryAcquire(1); ok {
			t.Fatal("something passed beside an oversize item")
		}
		oversize()
		if _, ok := b.TryAcquire(41); !ok {
			t.Fatal("an item above the rest does not pass alone")
		} else if _, ok := b.TryAcquire(1); ok {
			t.Fatal("a reservation is given to others")
		}
		b = budget.New(100)
		all, err := b.Reserve(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if one, ok := b.TryAcquire(10); !ok {
			t.Fatal("nothing passes beside a reservation of everything")
		} else {
			one()
		}
		all()
		giveBack()
		giveBack() // a second call gives nothing back
		if again, ok := b.TryAcquire(100); !ok || b.Held() != 100 {
			t.Fatal("the budget is not whole again")
		} else {
			again()
		}
	})
}

func TestAcquireEndsWithItsContext(t *testing.T) {
	b := budget.New(10)
	release, err := b.Acquire(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := b.Acquire(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v instead of the context's error", err)
	}
	if held := b.Held(); held != 10 {
		t.Fatalf("%d bytes held after a wait that failed", held)
	}
}

func TestNeverAboveLimitPlusLargestItem(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	b := budget.New(1000)
	const largest = 3000
	var wg sync.WaitGroup
	for worker := range uint64(8) {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(seed, worker))
			for range 500 {
				release, err := b.Acquire(t.Context(), random.Int64N(largest+1))
				if err != nil {
					t.Error(err)
					return
				}
				release()
			}
		})
	}
	wg.Wait()
	if most := b.Most(); most > largest {
		t.Fatalf("%d bytes in use at once: an oversize item passes alone, so never more than %d", most, largest)
	}
	if held := b.Held(); held != 0 {
		t.Fatalf("%d bytes held at the end", held)
	}
}
