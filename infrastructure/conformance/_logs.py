"""Keeps what is logged while a check runs: for its report, and for its own eyes."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["logged_texts", "recorded"]

_KEPT = 20
_LONGEST = 300


class _Recorder(logging.Handler):
    """Keeps the last records as lines, without their tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: deque[str] = deque(maxlen=_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage().partition("\n")[0]
        self.lines.append(f"{record.levelname} {record.name}: {text:.{_LONGEST}}")


@contextmanager
def recorded() -> Iterator[deque[str]]:
    """Give the lines of the last records; they go to no standard error meanwhile."""
    recorder = _Recorder()
    root = logging.getLogger()
    root.addHandler(recorder)

    try:
        yield recorder.lines
    finally:
        root.removeHandler(recorder)


class _Texts(logging.Handler):
    """Keeps whole records, as they would be written, with their tracebacks."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


@contextmanager
def logged_texts() -> Iterator[list[str]]:
    """Give everything that is logged inside the block, for a check that looks for secrets."""
    handler = _Texts()
    logging.getLogger().addHandler(handler)

    try:
        yield handler.texts
    finally:
        logging.getLogger().removeHandler(handler)
