"""A helper process that kills a server when the process that started it is gone."""

from __future__ import annotations

import subprocess

__all__ = ["Watchdog"]

# The pipe ends by itself however we end, by SIGKILL too: then the second `read` fails. It ignores
# what a terminal or a supervisor sends to everybody, because its work comes after that. A process
# that left the group is known by its parent, which stands meanwhile.
_SCRIPT = r"""
trap '' HUP INT TERM
below() {
    for pid in $(sed -n "s/^\([0-9]*\) (.*) . $1 .*/\1/p" /proc/[0-9]*/stat); do
        echo "$pid"
        below "$pid"
    done
}
read -r server || exit 0
read -r goodbye && exit 0
kill -s STOP -- "-$server"
kill -s KILL -- "-$server" $(below "$server")
"""


class Watchdog:
    """Kills the process group that it was told, and what is below it, unless it is told goodbye.

    Not PR_SET_PDEATHSIG: that one goes by the thread that started the server, not by the process.
    """

    def __init__(self) -> None:
        self._shell = subprocess.Popen(  # noqa: S603 - the script above, nobody's text in it
            ["/bin/sh", "-c", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def guard(self, group: int) -> None:
        """Watch over the process group ``group`` from now on."""
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{group}\n".encode())
        self._shell.stdin.flush()

    def goodbye(self) -> None:
        """Let it go without harm, and return when it is gone."""
        self._shell.communicate(b"goodbye\n")
