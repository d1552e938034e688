package tsdb

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// A FileError is a fault in a file of metrics.
type FileError struct {
	File string
	Line int // 1 is the first; 0 when the fault is in no line
	Msg  string
	mend string
}

// Error returns file:line: message.
func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// Hint says how to mend the file.
func (e *FileError) Hint() string {
	if e.mend != "" {
		return e.mend
	}
	return "metrics are OpenMetrics text as promtool reads it: each sample a line 'name{label=\"value\"} value timestamp', the timestamp in seconds, the last line '# EOF'"
}

// chunkSize is how much text is parsed at a time.
const chunkSize = 1 << 20

// maxLine is the longest line that is read.
const maxLine = 1 << 20

// lines reads text in chunks of whole lines.
type lines struct {
	r     *bufio.Reader
	close func()
	name  string
	read  int64 // bytes so far
	limit int64
	line  int // lines handed out
	buf   []byte
	rest  []byte // the begin of a line that the last chunk cut
	done  bool
}

// newLines opens the text behind r, decompressed as the name says.
func newLines(r io.Reader, name string, limit int64) (*lines, error) {
	l := &lines{name: name, limit: limit, close: func() {}, buf: make([]byte, 0, chunkSize+4<<10)}
	raw := bufio.NewReaderSize(r, 64<<10)
	if _, err := raw.Peek(1); errors.Is(err, io.EOF) {
		return nil, &FileError{File: name, Msg: "the file is empty; want OpenMetrics text that ends in # EOF"}
	}
	switch {
	case strings.HasSuffix(name, ".gz"):
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, l.broken("gzip", err)
		}
		l.r = bufio.NewReaderSize(z, 64<<10)
	case strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return nil, l.broken("zstd", err)
		}
		l.close = z.Close
		l.r = bufio.NewReaderSize(z, 64<<10)
	default:
		l.r = raw
	}
	return l, nil
}

func (l *lines) broken(format string, err error) error {
	msg := err.Error()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		msg = "the file is cut short; copy or record it again"
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, zstd.ErrMagicMismatch):
		msg = "this is no " + format + "; compress the file or take the ending off its name"
	}
	return &FileError{File: l.name, Line: l.line, Msg: "read " + format + ": " + msg}
}

var newline = []byte("\n")

// next returns the next chunk of whole lines; it is overwritten by the call
// after. At the end of the text it returns io.EOF and no chunk.
func (l *lines) next() ([]byte, error) {
	if l.done {
		return nil, io.EOF
	}
	l.buf = append(l.buf[:0], l.rest...)
	for {
		n, err := l.r.Read(l.buf[len(l.buf):cap(l.buf)])
		l.buf = l.buf[:len(l.buf)+n]
		l.read += int64(n)
		if l.read > l.limit {
			return nil, &FileError{
				File: l.name, Line: l.line + 1,
				Msg:  fmt.Sprintf("more than %d MiB of text after decompression; record a shorter time or fewer series, or raise the limit", l.limit>>20),
				mend: "a recording of an hour of a hundred services is below 100 MiB of text",
			}
		}
		if errors.Is(err, io.EOF) {
			l.done, l.rest = true, nil
			return l.buf, nil
		}
		if err != nil {
			l.line += bytes.Count(l.buf, newline)
			return nil, l.broken(l.format(), err)
		}
		if len(l.buf) < cap(l.buf) {
			continue
		}
		end := bytes.LastIndexByte(l.buf, '\n') + 1
		if end == 0 {
			return nil, &FileError{File: l.name, Line: l.line + 1, Msg: fmt.Sprintf("the line is longer than %d MiB; is this OpenMetrics text?", maxLine>>20)}
		}
		l.rest = append(l.rest[:0], l.buf[end:]...)
		return l.buf[:end], nil
	}
}

func (l *lines) format() string {
	switch {
	case strings.HasSuffix(l.name, ".gz"):
		return "gzip"
	case strings.HasSuffix(l.name, ".zst"):
		return "zstd"
	}
	return "text"
}
