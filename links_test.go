package foreshock

import (
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	inlineCode = regexp.MustCompile("`[^`]*`")
	inlineLink = regexp.MustCompile(`\]\(<?([^()\s<>]+)>?(?:\s+"[^"]*")?\)`)
	linkTarget = regexp.MustCompile(`^\s*\[[^\]]+\]:\s+(\S+)`) // [name]: target
	notInSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks holds that every relative link in the documentation leads to a
// file, and to a heading if it names one.
func TestLinks(t *testing.T) {
	for _, name := range files(t, ".md") {
		for _, link := range links(t, name) {
			u, err := url.Parse(link)
			if err != nil {
				t.Errorf("%s: link %q: %v", name, link, err)
				continue
			}
			if u.IsAbs() || u.Host != "" {
				continue
			}
			target := name
			if u.Path != "" {
				target = path.Join(path.Dir(name), u.Path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there: mend the link, or write the file", name, link)
				continue
			}
			if u.Fragment != "" && strings.HasSuffix(target, ".md") && !slices.Contains(anchors(t, target), u.Fragment) {
				t.Errorf("%s links to %s, and %s has no such heading; it has %q", name, link, target, anchors(t, target))
			}
		}
	}
}

// links returns the targets of the links in a Markdown file.
func links(t *testing.T, name string) []string {
	t.Helper()
	var found []string
	for _, line := range prose(t, name) {
		line = inlineCode.ReplaceAllString(line, "")
		for _, m := range append(inlineLink.FindAllStringSubmatch(line, -1), linkTarget.FindAllStringSubmatch(line, -1)...) {
			found = append(found, m[1])
		}
	}
	return found
}

// anchors returns the fragments by which the headings of a Markdown file are
// linked to on GitHub.
func anchors(t *testing.T, name string) []string {
	t.Helper()
	var found []string
	for _, line := range prose(t, name) {
		hashes, heading, ok := strings.Cut(line, " ")
		if !ok || hashes == "" || strings.Trim(hashes, "#") != "" {
			continue
		}
		slug := notInSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
		found = append(found, strings.ReplaceAll(slug, " ", "-"))
	}
	return found
}

// prose returns the lines of a Markdown file that are not in a block of code.
func prose(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	code := false
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
		} else if !code {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	return lines
}
