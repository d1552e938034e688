package engine

import "testing"

func TestCatalogue(t *testing.T) {
	exporters, err := Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range exporters {
		if err := CheckTemplate("count(" + e.Detect + ")"); err != nil {
			t.Errorf("exporter %s: detect: %v", e.ID, err)
		}
		for _, s := range e.Signals {
			if seen[s.Name] {
				t.Errorf("signal %s stands twice", s.Name)
			}
			seen[s.Name] = true
			if !uses(s.Query, "$sel") {
				t.Errorf("signal %s: the query %s has no $sel, so it is of no service", s.Name, s.Query)
			}
			_, err := ParseQuery(example.fill(s.Query))
			if err != nil {
				t.Errorf("signal %s: %v", s.Name, err)
			}
		}
	}
	if len(seen) < 150 {
		t.Errorf("the catalogue has %d signals, want at least 150", len(seen))
	}
}
