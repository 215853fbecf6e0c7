"""Removes the folders of a run that was killed, and the shared memory of the servers in them."""

from __future__ import annotations

import functools
import subprocess
import tempfile

__all__ = ["folder"]

# Like a server's watchdog: the pipe ends however the run ends. Where it ended well there is nothing
# to do any more; else the servers are being killed meanwhile, and one that is there still writes.
_SCRIPT = """
trap '' HUP INT TERM
while read -r folder; do set -- "$@" "$folder"; done
for folder; do
    [ -d "$folder" ] || continue
    sleep 1
    memory=$(sed -n '7s/.* //p' "$folder/data/postmaster.pid")
    [ -z "$memory" ] || ipcrm -m "$memory"
    rm -rf "$folder"
done
"""


def folder(prefix: str) -> tempfile.TemporaryDirectory[str]:
    """Return a new temporary folder, which is removed when this process is gone and has not done it."""
    made = tempfile.TemporaryDirectory(prefix=prefix)
    pipe = _janitor().stdin
    assert pipe is not None
    pipe.write(f"{made.name}\n".encode())
    pipe.flush()
    return made


@functools.cache
def _janitor() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
