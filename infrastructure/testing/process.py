"""A server in a process of its own that a test starts, freezes, kills and starts again."""

from __future__ import annotations

import asyncio
import builtins
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from ..interfaces.exceptions import (
    ConfigurationError,
    ConnectionError,
    TimeoutError,
    ValidationError,
)
from . import _descendants
from ._log import ServerLog
from ._watchdog import Watchdog

__all__ = ["ServerProcess", "accepts"]

_POLL = 0.005
# Milliseconds until a frozen process stands: one that is in the kernel has to come out of it.
_PATIENCE = 2000


def accepts(host: str, port: int) -> Callable[[], Awaitable[bool]]:
    """Return a probe for ``ready=``: whether a TCP connection to the server is accepted."""

    async def probe() -> bool:
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        await writer.wait_closed()
        return True

    return probe


class ServerProcess:
    """Runs ``command``, a server that stays in the foreground, and waits until it is ready.

    ::

        server = ServerProcess(["redis-server", "--port", "7000"], ready=accepts("127.0.0.1", 7000))

        async with server:
            server.freeze()  # it keeps its sockets and answers nobody
            server.thaw()
            server.kill()  # as a crash does
            await server.start()

    ``ready``   asked again and again while it starts; ``False`` or an ``OSError`` is not yet.
    ``log``     where its output goes, added at the end; a temporary file unless given.
    ``env``     variables that it gets beside those of this process.
    ``folder``  that it runs in.
    ``user``    whom it runs as, by number or name, where this process may choose: root is refused
                by some servers. Its group is that user's.
    ``ending``  the signal by which ``stop`` asks it to end: SIGINT for PostgreSQL, which waits
                for its clients after a SIGTERM.

    It belongs to no event loop: one may start it and another stop it. It has a process group of
    its own, so that Ctrl-C in a terminal does not reach it; the signals go to that group, and to
    the processes that it started, even those which left the group, as PostgreSQL's do. It is
    killed when this process ends, however it ends.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        ready: Callable[[], Awaitable[bool]],
        log: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        folder: str | os.PathLike[str] | None = None,
        user: int | str | None = None,
        ending: signal.Signals = signal.SIGTERM,
    ) -> None:
        if isinstance(command, str) or not command:
            msg = (
                f"command is a list of the program and its arguments, got {type(command).__name__}"
            )
            raise ValidationError(msg)

        self._command = list(command)
        self._ready = ready
        self._log = ServerLog(log)
        self._env = dict(env or {})
        self._folder = folder
        self._user = user
        self._ending = ending
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: Watchdog | None = None
        self._frozen = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    def __repr__(self) -> str:
        # The arguments may hold a password.
        name = Path(self._command[0]).name
        state = "frozen" if self.is_frozen else "running" if self.is_running else "not running"
        pid = f", pid {self._process.pid}" if self._process is not None and self.is_running else ""
        return f"<ServerProcess {name}, {state}{pid}>"

    @property
    def pid(self) -> int:
        """The number of the running process."""
        return self._running("pid").pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there, frozen or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def is_frozen(self) -> bool:
        """Whether ``freeze`` holds it."""
        return self._frozen and self.is_running

    async def start(self, within: float = 10.0) -> None:
        """Start it and return when it is ready.

        Where it ends instead: ``ConnectionError`` with the end of its log. Where it is not ready
        ``within`` so many seconds: ``TimeoutError`` with the same, and it is killed.
        """
        if self.is_running:
            msg = f"start: {self!r} is running already; use restart()"
            raise ValidationError(msg, operation="start")

        self.kill()

        try:
            self._launch()
            await self._become_ready(within)
        except BaseException:
            self.kill()
            raise

    async def stop(self, within: float = 5.0) -> None:
        """Ask it to end by a signal, a frozen one too; kill it when it is there after ``within``.

        Without effect where it does not run. A cancelled stop kills at once.
        """
        try:
            if self.is_running:
                self._signal(self._ending)
                self._go_on()

            with suppress(builtins.TimeoutError):
                async with asyncio.timeout(within):
                    while self.is_running:  # noqa: ASYNC110 - a process has no event
                        await asyncio.sleep(_POLL)
        finally:
            self.kill()

    async def restart(self, within: float = 10.0) -> None:
        """Stop it and start it again, with the same command, hence on the same port."""
        await self.stop()
        await self.start(within)

    def kill(self) -> None:
        """End it by SIGKILL, which it cannot refuse, and return when it is gone.

        Without effect where it does not run.
        """
        if self._process is not None and self.is_running:
            # What stands starts no further process, and leaves none to somebody else.
            self._halt()
            _descendants.end(_descendants.descendants(self._process.pid))
            self._signal(signal.SIGKILL)
            self._process.wait()

        watchdog, self._watchdog = self._watchdog, None
        self._process = None
        self._frozen = False

        if watchdog is not None:
            watchdog.goodbye()

        self._log.close()

    def freeze(self) -> None:
        """Stop it by SIGSTOP and return when it stands; its sockets stay open, nobody answers."""
        process = self._running("freeze")
        self._halt()
        _descendants.halt(process.pid)

    def thaw(self) -> None:
        """Let it go on by SIGCONT; what came meanwhile is answered then."""
        self._running("thaw")
        self._go_on()

    def _running(self, operation: str) -> subprocess.Popen[bytes]:
        if self._process is None or not self.is_running:
            msg = f"{operation}: {self!r}; use start()"
            raise ConnectionError(msg, operation=operation)

        return self._process

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None

        # It may have ended this moment. macOS says PermissionError of what is not yet reaped.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _halt(self) -> None:
        assert self._process is not None

        if self._frozen:
            return

        self._signal(signal.SIGSTOP)
        self._frozen = True

        # The signal is only on its way: one more answer could come, and a test would see it.
        _wait_until_halted(self._process, _PATIENCE)

    def _go_on(self) -> None:
        assert self._process is not None
        _descendants.send(_descendants.descendants(self._process.pid), signal.SIGCONT)
        self._signal(signal.SIGCONT)
        self._frozen = False

    def _launch(self) -> None:
        self._watchdog = Watchdog()

        try:
            user, group, others = _account(self._user)
            self._process = subprocess.Popen(  # noqa: S603 - the caller's own command
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=self._log.open(),
                stderr=subprocess.STDOUT,
                env=os.environ | self._env,
                cwd=self._folder,
                start_new_session=True,
                user=user,
                group=group,
                extra_groups=others,
            )
        except (OSError, KeyError) as exc:
            msg = f"start: {self._command[0]} cannot be run: {exc}; is it installed?"
            raise ConfigurationError(msg, operation="start") from exc

        self._watchdog.guard(self._process.pid)

    async def _become_ready(self, within: float) -> None:
        try:
            async with asyncio.timeout(within):
                while not await self._answers():
                    self._check_alive()
                    await asyncio.sleep(_POLL)
        except builtins.TimeoutError as exc:
            msg = f"start: {self!r} is not ready after {within:g} s; {self._log.end()}"
            raise TimeoutError(msg, retryable=True, operation="start") from exc

        # Somebody else may answer on its port.
        self._check_alive()

    async def _answers(self) -> bool:
        with suppress(OSError):
            return await self._ready()

        return False

    def _check_alive(self) -> None:
        assert self._process is not None
        status = self._process.poll()

        if status is not None:
            msg = (
                f"start: {self!r} ended with status {status} before it was ready; {self._log.end()}"
            )
            raise ConnectionError(msg, operation="start")


def _account(user: int | str | None) -> tuple[int | None, int | None, list[int] | None]:
    """Return the user, the group and the further groups by which a process is ``user`` and nobody else."""
    if user is None:
        return None, None, None

    # Here: Windows has none.
    import pwd

    known = pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
    return known.pw_uid, known.pw_gid, []


def _wait_until_halted(process: subprocess.Popen[bytes], patience: int) -> bool:
    """Whether it has halted within so many milliseconds."""
    for _ in range(patience):
        if _has_halted(process):
            return True

        time.sleep(0.001)

    return False


def _has_halted(process: subprocess.Popen[bytes]) -> bool:
    """Whether it stands, or has ended."""
    pid, status = os.waitpid(process.pid, os.WUNTRACED | os.WNOHANG)

    # The kernel tells an end once, and Popen has to know it.
    if pid and not os.WIFSTOPPED(status):
        process.returncode = os.waitstatus_to_exitcode(status)

    return pid != 0
