"""From a URL to a backend: its scheme names an entry point, which is loaded only then."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ._core.entry_points import load
from ._core.urls import parse_url, refuse_unknown
from .interfaces import CachingInterface, MessagingInterface, StorageInterface
from .interfaces.exceptions import ConfigurationError

__all__ = ["open_cache", "open_messaging", "open_storage", "openers_of"]


def open_cache(url: str, **options: Any) -> CachingInterface:
    """Return the cache of ``url``, unconnected.

    ``async with open_cache("memory://") as cache:`` connects it.
    ``options`` are the keyword options of the backend's constructor; those of the URL's query
    are the same. Raises ``ConfigurationError`` for a scheme or an option that nobody knows.
    """
    backend: CachingInterface = _open("caching", CachingInterface, url, options)
    return backend


def open_messaging(url: str, **options: Any) -> MessagingInterface:
    """Return the messaging of ``url``, unconnected; see ``open_cache``."""
    backend: MessagingInterface = _open("messaging", MessagingInterface, url, options)
    return backend


def open_storage(url: str, **options: Any) -> StorageInterface:
    """Return the storage of ``url``, unconnected; see ``open_cache``."""
    backend: StorageInterface = _open("storage", StorageInterface, url, options)
    return backend


def openers_of(url: str) -> list[Callable[..., Any]]:
    """Return those of the three functions above that know the scheme of ``url``.

    Raises ``ConfigurationError`` where none does.
    """
    scheme = parse_url(url).scheme
    openers = {"caching": open_cache, "messaging": open_messaging, "storage": open_storage}
    schemes = {
        kind: {point.name for point in entry_points(group=f"infrastructure.{kind}")}
        for kind in openers
    }
    found = [opener for kind, opener in openers.items() if scheme in schemes[kind]]

    if not found:
        known = ", ".join(f"{name}://" for name in sorted(set().union(*schemes.values())))
        msg = f"no backend is registered for {scheme}://; there are: {known or 'none'}"
        raise ConfigurationError(msg)

    return found


def _open(kind: str, interface: type, url: str, options: Mapping[str, Any]) -> Any:
    scheme = parse_url(url).scheme
    cls = load(_find(kind, scheme))

    if not (isinstance(cls, type) and issubclass(cls, interface)):
        msg = f"the entry point of {scheme}:// is no {interface.__name__}: {cls!r:.100}"
        raise ConfigurationError(msg)

    refuse_unknown(options, _keywords(cls), f"{scheme}://")
    make: Callable[..., Any] = cls
    return make(url, **options)


def _find(kind: str, scheme: str) -> EntryPoint:
    found = entry_points(group=f"infrastructure.{kind}")

    for point in found:
        if point.name == scheme:
            return point

    known = ", ".join(sorted({f"{point.name}://" for point in found}))
    msg = (
        f"no {kind} backend is registered for {scheme}://; there are: {known or 'none'}. Others "
        f"register an entry point {scheme!r} in the group 'infrastructure.{kind}'"
    )
    raise ConfigurationError(msg)


def _keywords(cls: type) -> Mapping[str, Any]:
    parameters = inspect.signature(cls).parameters.values()
    return {
        parameter.name: None for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY
    }
