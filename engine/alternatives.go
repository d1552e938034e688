package engine

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxPlain is the longest list of values, in bytes, that is written as a
// plain one. A longer one names what its values share once.
const maxPlain = 1 << 10

// anyOf returns the pattern that matches any of some values and patterns.
func anyOf(values, patterns []string) string {
	slices.Sort(values)
	values = slices.Compact(values)
	slices.Sort(patterns)
	all := make([]string, 0, len(values)+len(patterns))
	for _, v := range values {
		all = append(all, regexp.QuoteMeta(v))
	}
	all = append(all, slices.Compact(patterns)...)
	plain := strings.Join(all, "|")
	if len(plain) <= maxPlain || len(values) == 0 {
		return plain
	}
	return strings.Join(append([]string{folded(values)}, all[len(values):]...), "|")
}

// folded returns a pattern that matches the values, sorted and each there
// once, and nothing else: what all of them begin or end with is written once,
// and so on in those that begin with the same character.
func folded(values []string) string {
	if len(values) == 1 {
		return regexp.QuoteMeta(values[0])
	}
	head := sharedHead(values[0], values[len(values)-1]) // sorted: all share what the first and the last share
	rest := make([]string, len(values))
	for i, v := range values {
		rest[i] = v[head:]
	}
	tail := len(rest[0])
	for _, v := range rest[1:] {
		tail = min(tail, sharedTail(rest[0], v))
	}
	end := rest[0][len(rest[0])-tail:]
	for i, v := range rest {
		rest[i] = v[:len(v)-tail]
	}
	slices.Sort(rest) // their order may have hung on the end
	var parts []string
	for from := 0; from < len(rest); {
		to := from + 1
		for to < len(rest) && sharedHead(rest[from], rest[to]) > 0 {
			to++
		}
		parts = append(parts, folded(rest[from:to]))
		from = to
	}
	inner := strings.Join(parts, "|")
	if head == 0 && tail == 0 {
		return inner
	}
	return regexp.QuoteMeta(values[0][:head]) + "(?:" + inner + ")" + regexp.QuoteMeta(end)
}

// sharedHead returns how many bytes of whole characters two values begin with
// in common.
func sharedHead(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) {
		_, size := utf8.DecodeRuneInString(a[n:])
		if !strings.HasPrefix(b[n:], a[n:n+size]) {
			break
		}
		n += size
	}
	return n
}

// sharedTail returns how many bytes of whole characters two values end with
// in common.
func sharedTail(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) {
		_, size := utf8.DecodeLastRuneInString(a[:len(a)-n])
		if !strings.HasSuffix(b[:len(b)-n], a[len(a)-n-size:len(a)-n]) {
			break
		}
		n += size
	}
	return n
}
