"""Become another program that the kernel kills when the program that started it dies.

Run as `python guard.py PARENT_PID COMMAND…`. A broker that outlives a killed `hark demo` keeps its port and
its memory until somebody notices; a parent cannot clean up after its own SIGKILL, the kernel can. Where there
is no `prctl` (macOS), this process stays and waits for end of file on standard input, which its parent holds
open.

Only the standard library, and no import of this project: it starts in some ten milliseconds (`python -I -S`).

Source: prctl(2), PR_SET_PDEATHSIG: kept across execve, delivered when the parent thread ends.
"""

import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> bool:
    """Ask the kernel for SIGKILL when the parent ends; False where the kernel has no such call."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        return False
    # The parent may have died before the call: nobody would ever send the signal.
    if os.getppid() != parent:
        sys.exit(1)
    return True


def watch(command: list[str]) -> int:
    """Run `command` as a child and kill it at end of file on standard input."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    if os.fork() == 0:
        while os.read(0, 1024):
            continue
        os.kill(child.pid, signal.SIGKILL)
        os._exit(0)
    return child.wait()


def main(arguments: list[str]) -> int:
    """Exec the command, or stay beside it where the kernel cannot help."""
    parent, command = int(arguments[0]), arguments[1:]
    if die_with_parent(parent):
        os.execv(command[0], command)
    return watch(command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
