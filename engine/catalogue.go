package engine

import "context"

func (s *Source) discover(context.Context) error { return nil }
