//go:build !linux

package lab

import "syscall"

// dieWithParent has no such help here: a process ends when its standard
// input closes, which it does with the lab's own.
func dieWithParent() *syscall.SysProcAttr { return nil }
