package lab

import "syscall"

// dieWithParent has the kernel end a process when the lab's own is killed,
// however hard.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
