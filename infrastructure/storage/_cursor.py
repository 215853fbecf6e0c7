"""Reads the tokens of a small text one after another, and says where it stopped."""

from __future__ import annotations

from typing import NoReturn

from ..interfaces.exceptions import ValidationError
from ._tokens import Token, TokenKind, significant, unquoted

__all__ = ["Cursor"]


class Cursor:
    """A position in the tokens of ``text``; ``what`` names the text in errors."""

    def __init__(self, text: str, what: str) -> None:
        self._text = text
        self._what = what
        self._found = significant(text, "postgresql")
        self._at = 0

    @property
    def token(self) -> Token | None:
        """The next token; ``None`` at the end."""
        return self._found[self._at] if self._at < len(self._found) else None

    @property
    def keyword(self) -> str:
        """The next word in upper case; empty where there is none."""
        return "" if self.token is None else self.token.keyword

    @property
    def at_end(self) -> bool:
        """Whether everything has been read."""
        return self.token is None

    def take(self) -> Token:
        """Read the next token."""
        if self.token is None:
            self.fail("more")

        token = self._found[self._at]
        self._at += 1
        return token

    def accept(self, *words: str) -> bool:
        """Read these words (or marks) if they come next."""
        following = self._found[self._at : self._at + len(words)]
        found = tuple(token.keyword or token.text for token in following)

        if found != words:
            return False

        self._at += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Read these words (or marks), or fail."""
        if not self.accept(*words):
            self.fail(" ".join(words))

    def identifier(self) -> str:
        """Read a name, quoted or not; without quotes it is folded as PostgreSQL does."""
        token = self.token

        if token is None or token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
            self.fail("a name")

        return unquoted(self.take(), "postgresql")

    def integer(self) -> int:
        """Read digits."""
        token = self.token

        if token is None or not (token.text.isascii() and token.text.isdecimal()):
            self.fail("a whole number")

        # No type has arguments of more digits; int() refuses thousands of them by itself.
        return int(self.take().text[:18])

    def fail(self, expected: str) -> NoReturn:
        """Raise ``ValidationError`` that shows where the reading stopped."""
        token = self.token
        rest = "its end" if token is None else repr(self._text[token.start :][:40])
        msg = f"{self._what} {self._text[:120]!r}: expected {expected} at {rest}"
        raise ValidationError(msg)
