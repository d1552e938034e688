package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/google/renameio/v2"

	"github.com/spf13/cobra"

	"github.com/foreshock/foreshock/prediction"
	"github.com/foreshock/foreshock/release"
)

// tracked is the record of past predictions of one command.
type tracked struct {
	path   string
	record *prediction.Conformal // nil without one
}

// flag adds the flag that names a record to read.
func (t *tracked) flag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.path, "track-record", "", "widen intervals by how right predictions were so far, and say it: the `FILE` of backtest --track-record")
}

// writeFlag adds the flag that names a record to write.
func (t *tracked) writeFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.path, "track-record", "", "write how right its predictions were into this `FILE`, for --track-record of replay, watch, why, simulate and demo")
}

// check refuses a flag without a file.
func (t *tracked) check(cmd *cobra.Command) error {
	if cmd.Flags().Changed("track-record") && t.path == "" {
		return misused(cmd, "--track-record is empty; want a file")
	}
	return nil
}

// mostRecord is the largest record that is read, in bytes; one has under a
// thousand.
const mostRecord = 64 << 10

// open reads the record that the flag names.
func (t *tracked) open(cmd *cobra.Command) error {
	if err := t.check(cmd); err != nil || t.path == "" {
		return err
	}
	f, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return &adviceError{
			msg:  "there is no track record at " + t.path,
			mend: "let it be written: foreshock backtest DIR --track-record " + t.path,
		}
	}
	if err != nil {
		return fmt.Errorf("read track record: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, mostRecord+1))
	if err != nil {
		return fmt.Errorf("read track record: %w", err)
	}
	if len(data) > mostRecord {
		return fmt.Errorf("%s: not a track record: it is larger than %d KiB", t.path, mostRecord>>10)
	}
	if t.record, err = prediction.LoadConformal(data); err != nil {
		return fmt.Errorf("%s: %w", t.path, err)
	}
	return nil
}

// see widens what an assessment foretells; without a record it stays as it is.
func (t *tracked) see(a release.Assessment) release.Assessment {
	if t.record == nil {
		return a
	}
	return a.Tracked(t.record)
}

// write replaces the file as a whole.
func (t *tracked) write(c *prediction.Conformal) error {
	data, err := c.Save()
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(t.path, data, 0o644); err != nil {
		return fmt.Errorf("write track record: %w", err)
	}
	return nil
}

// soFar says how right such predictions were, after what is said of one.
func soFar(p *release.Past) string {
	if text := p.String(); text != "" {
		return "; " + text
	}
	return ""
}
