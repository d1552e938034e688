package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

// A spool keeps a result until it is known to be whole. It lies in a
// temporary file, because the assessments of a long recording are many.
type spool struct {
	*bufio.Writer
	file *os.File
}

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "foreshock-result-")
	if err != nil {
		return nil, fmt.Errorf("keep the result: %w; mend: set TMPDIR to a folder that can be written", err)
	}
	return &spool{Writer: bufio.NewWriterSize(f, 1<<16), file: f}, nil
}

// release copies what was kept.
func (s *spool) release(to io.Writer) error {
	if err := s.Flush(); err != nil {
		return fmt.Errorf("keep the result: %w", err)
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("keep the result: %w", err)
	}
	if _, err := io.Copy(to, s.file); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
}

// discard frees the file.
func (s *spool) discard() {
	s.file.Close()
	os.Remove(s.file.Name())
}
