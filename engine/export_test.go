package engine

// Unbatched returns options with which every want is asked by itself.
func Unbatched(o Options) Options {
	o.unbatched = true
	return o
}

// Discovered lets the signals of a source pass for discovered ones, so that
// they are asked together.
func (s *Source) Discovered() {
	s.exporters, s.on, s.exporter = make([]Exporter, 1), []bool{true}, make([]int, len(s.sys.Signals))
}

// AnyOf is the pattern for a label of several members.
var AnyOf = anyOf
