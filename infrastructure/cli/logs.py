"""What the library logs, one line each, on the terminal of a command."""

from __future__ import annotations

import logging

from rich.console import Console
from rich.text import Text

__all__ = ["show_logs"]


class _Lines(logging.Handler):
    """Prints the message and the error's text; a traceback is for a program's own logs."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        line = Text(f"{record.levelname.lower()}: ", style="yellow")
        # A message may end with the traceback itself: of that the last line tells the error.
        message, *rest = record.getMessage().splitlines() or [""]
        line.append(message, style="default")

        if record.exc_info and record.exc_info[1] is not None:
            line.append(f" ({record.exc_info[1]})", style="default")
        elif rest:
            line.append(f" ({rest[-1].strip()})", style="default")

        self._console.print(line)


def show_logs(console: Console) -> None:
    """Print the library's warnings and errors on ``console``, once."""
    logger = logging.getLogger("infrastructure")

    for handler in [known for known in logger.handlers if isinstance(known, _Lines)]:
        logger.removeHandler(handler)

    logger.addHandler(_Lines(console))
    logger.propagate = False
