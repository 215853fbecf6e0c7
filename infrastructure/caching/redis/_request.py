"""What the cache asks of a server, for those ways that are not the fast one."""

from __future__ import annotations

from dataclasses import dataclass

from ._sinks import Command

__all__ = ["Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """A command with what must be known to send it again, elsewhere, or not at all.

    ``name``   the full name of the key, which tells the slot and the link.
    ``reads``  whether it changes nothing, so that it may be sent again.
    ``lead``   a command that goes out just before it, and whose reply nobody wants.
    ``large``  whether it carries a value that would hold up others.
    ``answer`` the type of its reply; for ``bytes`` it may be ``None`` too.
    """

    operation: str
    command: Command
    name: str
    reads: bool
    lead: Command | None = None
    large: bool = False
    answer: type | None = None

    def fits(self, reply: object) -> bool:
        """Return whether ``reply`` is of the kind that belongs to the command.

        Where it is not, a bit was lost on the way, and no later reply can be believed either.
        """
        answer = self.answer
        return answer is None or type(reply) is answer or (reply is None and answer is bytes)
