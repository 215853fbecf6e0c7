"""Members of a group in processes of their own, to be frozen, killed, or ended as they should."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from ...servers.waiting import until
from ._journal import Journal

__all__ = ["Member", "Members"]

SCRIPT = Path(__file__).with_name("member.py")
PATIENCE = 40.0
"""Seconds in which a member joins, those of a dead one's session included, or leaves."""


class Member:
    """One such process."""

    def __init__(self, process: subprocess.Popen[bytes], journal: Journal) -> None:
        self.process = process
        self.pid = process.pid
        self._journal = journal

    async def joined(self) -> None:
        """Return when it has."""
        await until(lambda: self._has_ended() or self._journal.events("joined", self.pid), PATIENCE)
        assert not self._has_ended()

    def _has_ended(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        self.process.kill()
        self.process.wait()
        self._journal.note(self.pid, "killed")

    def freeze(self) -> None:
        """Stop it: its group sees no heartbeat."""
        self.process.send_signal(signal.SIGSTOP)
        self._journal.note(self.pid, "frozen")

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    async def leave(self) -> None:
        """Have it disconnect, which it has to do without an error."""
        await self.joined()
        self.process.terminate()
        await until(self._has_ended, PATIENCE)
        assert self.process.returncode == 0
        assert self._journal.events("left", self.pid)


class Members:
    """Starts them; they write into one journal."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder / "journal")
        self._log = folder / "members.log"
        self._log.touch()
        self._started: list[Member] = []

    def start(self, url: str, topic: str, group: str, **options: Any) -> Member:
        """Start one; its session ends after 6 s of silence."""
        usual = {"seconds": 0.005, "session_timeout": 6, "deadline": 30, "group_id": group}
        given = json.dumps({**usual, **options})
        command = [sys.executable, str(SCRIPT), url, topic, str(self.journal.path), given]

        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

        member = Member(process, self.journal)
        self._started.append(member)
        return member

    def running(self) -> list[Member]:
        """Return those that were neither killed nor have left."""
        return [each for each in self._started if each.process.poll() is None]

    async def leave(self) -> None:
        """Have all leave."""
        for each in self.running():
            await each.leave()

    def end(self) -> None:
        """End those that still run; say what they all complained of, for whoever reads of a failure."""
        for each in self.running():
            each.process.kill()
            each.process.wait()

        self.journal.close()
        print(self._log.read_text())
