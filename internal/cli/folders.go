package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

const described = "recording.yaml"

// expand returns the folders of recordings that the arguments name: a folder
// with a recording.yaml is one, any other stands for those right below it, in
// the order of their names. A folder that is named twice counts once.
func expand(args []string) ([]string, error) {
	var dirs []string
	for _, arg := range args {
		found, err := recordingsIn(arg)
		if err != nil {
			return nil, err
		}
		for _, dir := range found {
			if !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs, nil
}

func recordingsIn(arg string) ([]string, error) {
	arg = filepath.Clean(arg)
	info, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &adviceError{msg: fmt.Sprintf("there is no folder %s", arg), mend: "give the folder of a recording, or one that holds several"}
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, &adviceError{msg: arg + " is a file; want the folder of a recording", mend: "give the folder that holds " + described + ": " + filepath.Dir(arg)}
	case isRecording(arg):
		return []string{arg}, nil
	}
	entries, err := os.ReadDir(arg) // sorted by name
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, e := range entries {
		if dir := filepath.Join(arg, e.Name()); isRecording(dir) {
			dirs = append(dirs, dir)
		}
	}
	if len(dirs) == 0 {
		return nil, &adviceError{
			msg:  fmt.Sprintf("%s is no recording: it has no %s, nor has a folder right below it", arg, described),
			mend: "a recording is a folder with " + described + " and metrics.om.gz",
		}
	}
	return dirs, nil
}

func isRecording(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, described))
	return err == nil
}
