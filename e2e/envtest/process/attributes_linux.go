package process

import "syscall"

// attributes have the kernel end the server with its parent, which may die of a test's time limit.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
