package engine

import (
	"github.com/foreshock/foreshock/baseline"
	"github.com/foreshock/foreshock/release"
	"github.com/foreshock/foreshock/signal"
)

// Names returns what a memory of normal knows the services and signals of a
// system by.
func Names(sys release.System) baseline.Names {
	names := baseline.Names{Signals: sys.Signals}
	for _, service := range sys.Services {
		names.Services = append(names.Services, service.Name)
	}
	return names
}

// recall fills in what is normal, where there is a memory to ask.
func (s *Source) recall(f signal.Frame) signal.Frame {
	if s.o.Normal == nil {
		return f
	}
	return baseline.Fill(f, s.o.Normal, Names(s.sys))
}
