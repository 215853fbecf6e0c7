"""What the cache asks of a server, for those ways that are not the fast one."""

from __future__ import annotations

from dataclasses import dataclass

from ._link import Command

__all__ = ["Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """A command with what must be known to send it again, elsewhere, or not at all.

    ``name``   the full name of the key, which tells the slot and the link.
    ``reads``  whether it changes nothing, so that it may be sent again.
    ``lead``   a command that goes out just before it, and whose reply nobody wants.
    ``large``  whether it carries a value that would hold up others.
    """

    operation: str
    command: Command
    name: str
    reads: bool
    lead: Command | None = None
    large: bool = False
