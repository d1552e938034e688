package tsdb

import (
	"testing"

	"github.com/foreshock/foreshock/internal/queriertest"
)

// TestConformance holds the embedded database to what every querier does.
func TestConformance(t *testing.T) {
	db, err := read(t, "m.om", queriertest.Text(), Options{LookBack: queriertest.LookBack})
	if err != nil {
		t.Fatal(err)
	}
	queriertest.Run(t, db, queriertest.Options{})
}
