"""What breaks a backend's server and the way to it, so that the fault checks can be tried."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from ..interfaces import ConfigurationError
from ..testing import ChaosProxy
from ..testing._target import Target

__all__ = ["FaultHarness", "Server"]


class Server(Protocol):
    """A server that can be stopped, as ``infrastructure.testing.ServerProcess`` is."""

    @property
    def is_running(self) -> bool:
        """Whether it is there, frozen or not."""
        ...

    @property
    def is_frozen(self) -> bool:
        """Whether ``freeze`` holds it."""
        ...

    async def start(self) -> None:
        """Start it, on the same port as before, and return when it is ready."""

    def kill(self) -> None:
        """End it as ``kill -9`` does, and return when it is gone."""

    def freeze(self) -> None:
        """Stop it as SIGSTOP does: its sockets stay open, and nobody answers."""

    def thaw(self) -> None:
        """Let it go on; what came meanwhile is answered then."""


class FaultHarness:
    """The ``faults`` of a harness: a proxy on the way to the server, and the server itself.

    ``target``  where the server is: ``(host, port)``, or the path of a Unix socket.
    ``server``  what starts and stops it; ``None`` where it is not ours to stop, and the harness
                then lists ``server_faults``, and what needs it, among ``missing``.
    ``port``    where the proxy listens: 0 for a free one. A broker that tells its clients where it
                is knows it before.
    ``storm``   how many operations a check at random makes; 20 times as many for a long run.
    ``seed``    of what is at random; a failure tells it.

    Every instance that the harness makes connects through ``proxy``. It is open, ``is_open``, and
    the server runs, from before ``open`` of the harness until after its ``close``.
    """

    def __init__(
        self,
        target: Target,
        server: Server | None = None,
        *,
        port: int = 0,
        storm: int = 500,
        seed: int = 0,
    ) -> None:
        self.proxy: ChaosProxy = ChaosProxy(target, port=port)
        self.server: Server | None = server
        self.storm: int = storm
        self.seed: int = seed
        self.is_open: bool = False

    async def start(self) -> None:
        """Start the server again, where it was before."""
        await self._ours().start()

    async def kill(self) -> None:
        """End the server without a warning; what it had not made durable is lost."""
        self._ours().kill()

    async def pause(self) -> None:
        """Let the server answer nobody, and end no connection."""
        self._ours().freeze()

    async def resume(self) -> None:
        """Let a paused server go on."""
        self._ours().thaw()

    async def connections(self) -> int:
        """Return how many connections the instances hold; by default those through the proxy."""
        return self.proxy.open

    def _ours(self) -> Server:
        if self.server is None:
            msg = (
                "there is no server to stop: give one to FaultHarness(server=...), or list "
                "'server_faults', and 'durable' with it, among what the harness lacks"
            )
            raise ConfigurationError(msg)

        return self.server

    async def __aenter__(self) -> Self:
        await self._mend()
        await self.proxy.__aenter__()
        self.is_open = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.is_open = False
        await self.proxy.__aexit__(exc_type, exc, traceback)
        await self._mend()

    async def _mend(self) -> None:
        """Let the server answer, whatever a check that was interrupted left it as."""
        if self.server is None:
            return

        if self.server.is_frozen:
            await self.resume()

        if not self.server.is_running:
            await self.start()
