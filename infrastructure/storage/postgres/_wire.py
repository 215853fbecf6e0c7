"""A libpq connection on the event loop: read when something came, written when there is room."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress

import psycopg
from psycopg.pq import ConnStatus, DiagnosticField
from psycopg.pq.abc import PGconn, PGresult

from ..._core.secrets import scrub
from ..._core.tasks import logger
from ._sockets import something_came

__all__ = ["OUT_OF_STEP", "Wire"]

OUT_OF_STEP = "the server's answers are not those to what it was asked"


class Wire(ABC):
    """One connection that was dialled; ``ended`` is called once, when it is gone.

    A subclass takes the results (``_take``) and fails what waits for them (``_fail``); why the
    connection is gone stands in ``reason`` then.
    """

    def __init__(self, pgconn: PGconn, ended: Callable[[Wire], None]) -> None:
        self.pgconn: PGconn = pgconn
        self.is_open = True
        self.retired = False
        """Whether it takes no new work, and is closed when what is on its way was answered."""
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._descriptor = pgconn.socket
        self._something_came = something_came(self._descriptor)
        self._writing = False
        self._room: asyncio.Future[None] | None = None
        self.reason = ""
        self.broke = False
        """Whether it was lost, and not closed by us."""
        pgconn.notice_handler = self._note
        self._loop.add_reader(self._descriptor, self._readable)

    @abstractmethod
    def _take(self) -> None:
        """Take the results that are there."""

    @abstractmethod
    def _fail(self) -> None:
        """Fail whatever waits for an answer: the connection is gone."""

    @property
    def is_broken(self) -> bool:
        """Whether libpq has given the connection up: nothing more comes, not even an end."""
        return self.pgconn.status == ConnStatus.BAD

    def looks_alive(self) -> bool:
        """Return whether it may be used after a rest, as far as the system knows.

        That its peer has ended it may have come a moment ago: nothing need be sent to find out.
        """
        while self.is_open and self._something_came():
            self._readable()

        return self.is_open

    def _note(self, notice: PGresult) -> None:
        text = scrub(notice.error_message.decode(errors="replace").strip())

        # Its last words.
        if notice.error_field(DiagnosticField.SEVERITY_NONLOCALIZED) in (b"FATAL", b"PANIC"):
            self.reason = text
        else:
            logger.debug("the server says: %s", text)

    def flush(self) -> None:
        """Write what is to be written, now as far as there is room, the rest by and by."""
        if not self.is_open:
            return

        try:
            left = self.pgconn.flush()
        except psycopg.Error as exc:
            self.lose(exc)
            return

        if left and not self._writing:
            self._writing = True
            self._loop.add_writer(self._descriptor, self._writable)
        elif not left and self._writing:
            self._stop_writing()

    async def room(self) -> None:
        """Return when everything has been handed to the system."""
        while self._writing:
            if self._room is None:
                self._room = self._loop.create_future()

            await asyncio.wait({self._room})

    def _stop_writing(self) -> None:
        self._writing = False
        self._loop.remove_writer(self._descriptor)
        self._wake_writers()

    def _wake_writers(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

        self._room = None

    def _writable(self) -> None:
        # Reading while writing: a server that waits for us to read would take no more.
        self._readable()
        self.flush()

    def _readable(self) -> None:
        try:
            self.pgconn.consume_input()
        except psycopg.Error as exc:
            # The server's last words, and answers that came before the end, are there still.
            with suppress(psycopg.Error):
                self._parse()

            self.lose(exc)
            return

        self._parse()

        # After its last words nothing comes but the end, which may take a moment.
        if self.is_open and (self.is_broken or self.reason):
            self.lose(None)

    def _parse(self) -> None:
        # Between two requests nobody asks for a result: what the server says comes as a notice.
        self.pgconn.is_busy()
        self._take()

    def lose(self, cause: BaseException | None) -> None:
        """Close the connection, which broke, and fail what waits."""
        if not self.is_open:
            return

        self.broke = True
        told = " ".join(scrub(str(cause)).split()) if cause else "the server closed the connection"
        self.close(self.reason or told)

    def close(self, reason: str) -> None:
        """Close the connection; what waits fails for ``reason``."""
        if not self.is_open:
            return

        self.reason = reason
        self.is_open = False

        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._descriptor)

        self._loop.remove_reader(self._descriptor)
        self._wake_writers()
        self.pgconn.finish()
        self.pgconn.notice_handler = None
        self._fail()
        self._ended(self)
