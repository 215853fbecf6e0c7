"""Keeps passwords out of every text."""

from __future__ import annotations

import re

__all__ = ["Secret", "scrub"]

_MASK = "***"
# user:password@ of a URL, and password=… of a URL query or a key-value connection text.
_USERINFO = re.compile(r"(?<=://)([^\s/@:]*):([^\s/]*)@")
_PAIR = re.compile(
    r"(?i)\b((?:[a-z_.]*(?:password|passwd|passphrase|secret|token)|pwd)\s*[=:]\s*)"
    r"('[^']*'|\"[^\"]*\"|[^\s&;,)]+)"
)
# Keys in place of the files that have them: as the option of a URL, and as they are.
_PEM = r"-----BEGIN.*?(?:-----END[^-]*-----|\Z)"
_KEY = re.compile(rf"(?i)\b([a-z_.]*key\.pem=)(?:{_PEM}|[^\s&]+)|{_PEM}", re.DOTALL)


class Secret:
    """A text that shows itself to ``reveal()`` only."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """Return the text, to hand it to a driver."""
        return self.__text

    def __repr__(self) -> str:
        return f"Secret('{_MASK}')"

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return _MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.__text

    def __hash__(self) -> int:
        return hash(self.__text)

    def __reduce__(self) -> str:
        msg = "a Secret is not pickled: it would travel in clear text"
        raise TypeError(msg)


def scrub(text: str) -> str:
    """Return ``text`` with the passwords and keys of URLs and connection settings masked."""
    text = _KEY.sub(lambda found: f"{found[1] or ''}{_MASK}", text)
    return _PAIR.sub(rf"\1{_MASK}", _USERINFO.sub(rf"\1:{_MASK}@", text))
