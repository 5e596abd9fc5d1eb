// Package storagetest is what a driver has to pass: Run holds it to every line of
// storage.Bucket's contract, Bench measures it. The decorators of this package make a store
// fail in a chosen way, for tests of those who use one.
//
// A driver joins in a test of its own:
//
//	func TestConformance(t *testing.T) {
//		storagetest.Run(t, func(t testing.TB) storage.Bucket {
//			b, err := file.Open(t.TempDir(), file.Options{})
//			if err != nil {
//				t.Fatal(err)
//			}
//			return b
//		})
//	}
//
// What may not happen here: a store in memory that stands in for a driver, or a rule that is
// not in the contract.
package storagetest
