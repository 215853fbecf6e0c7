"""What to prove: the harnesses of a URL, or whatever ``package.module:factory`` names."""

from __future__ import annotations

import importlib
import inspect
import traceback
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal

from .._core.entry_points import load
from .._core.secrets import scrub
from .._core.urls import parse_url
from ..interfaces import CachingInterface, ConfigurationError, MessagingInterface, StorageInterface
from ._expect import name_of
from ._harness import CachingHarness, Harness, MessagingHarness, StorageHarness
from ._suites import SUITES, Interface, suite_of

__all__ = ["harness_at", "harnesses_of"]

MakeHarness = Callable[[], Harness[Any]]

_NOT_THEIRS: Final = ("<frozen", importlib.__file__, str(Path(__file__).parent))
"""Files of which no line is shown as the place where somebody's module failed."""


def harnesses_of(url: str) -> dict[Interface, MakeHarness]:
    """Return, for each interface that the scheme of ``url`` has, what makes its harness.

    A harness is an entry point named by the scheme in ``infrastructure.conformance.caching``,
    ``….messaging`` or ``….storage``; it is called with the URL. Raises ``ConfigurationError``
    where there is none.
    """
    scheme = parse_url(url).scheme
    found: dict[Interface, MakeHarness] = {}

    for suite in SUITES:
        for point in entry_points(group=_group(suite.interface), name=scheme):
            found[suite.interface] = partial(load(point), url)

    if found:
        return found

    known = {
        f"{point.name}://"
        for suite in SUITES
        for point in entry_points(group=_group(suite.interface))
    }
    msg = (
        f"no harness is registered for {scheme}://; there are: {', '.join(sorted(known)) or 'none'}. "
        f"Others register an entry point {scheme!r} in the group {_group('caching')!r} or its like, "
        "or are named: --backend package.module:Harness"
    )
    raise ConfigurationError(msg)


def harness_at(place: str) -> MakeHarness:
    """Return what makes the harness that ``package.module:factory`` names.

    The factory is a harness class, or a function that returns a harness; or a backend's own
    class, which is then proved as one of level ``core`` that keeps nothing between instances.
    """
    module_name, _, attribute = place.partition(":")

    if not attribute or not all(part.isidentifier() for part in module_name.split(".")):
        msg = f"a backend is named package.module:factory, got {place!r}"
        raise ConfigurationError(msg)

    module = _imported(module_name)

    try:
        factory = getattr(module, attribute)
    except AttributeError as exc:
        msg = f"the module {module_name!r} has no {attribute!r}"
        near = get_close_matches(attribute, vars(module), n=1)
        raise ConfigurationError(f"{msg}; did you mean {near[0]!r}?" if near else msg) from exc

    return _checked(factory, place)


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name is None or not f"{name}.".startswith(f"{exc.name}."):
            raise _failed(f"the module {name!r} cannot be imported", exc) from exc

        hint = " Name a module, not a file" if name.endswith(".py") else ""
        msg = f"there is no module {exc.name!r}: is it installed, or in this folder?{hint}"
        raise ConfigurationError(msg) from exc
    except Exception as exc:
        raise _failed(f"the module {name!r} cannot be imported", exc) from exc


def _failed(what: str, exc: Exception) -> ConfigurationError:
    """Return our error for one of somebody else's code, with the line where it came from."""
    frames = traceback.extract_tb(exc.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_NOT_THEIRS)]
    where = f" ({theirs[-1].filename}:{theirs[-1].lineno})" if theirs else ""
    return ConfigurationError(f"{what}: {name_of(exc)}: {scrub(str(exc))}{where}")


def _checked(factory: Any, place: str) -> MakeHarness:
    if not callable(factory):
        msg = f"{place} is not callable: name a harness class, or a function that returns one"
        raise ConfigurationError(msg)

    try:
        inspect.signature(factory).bind()
    except (TypeError, ValueError) as exc:
        msg = f"{place} must be callable without arguments: {exc}; name a harness that gives them"
        raise ConfigurationError(msg) from exc

    try:
        made = factory()
    except Exception as exc:
        raise _failed(f"{place} cannot be made", exc) from exc

    if isinstance(made, Harness):
        suite_of(made)
        return factory  # type: ignore[no-any-return]  # it has just returned a harness

    for interface, bare in _BARE:
        if isinstance(made, interface):
            return partial(bare, factory)

    msg = f"{place} makes {type(made).__name__}, which is neither a harness nor a backend"
    raise ConfigurationError(msg)


def _group(interface: Interface) -> str:
    return f"infrastructure.conformance.{interface}"


class _Bare:
    """Makes instances by the backend's own class, of level core."""

    level: Literal["core", "full"] = "core"

    def __init__(self, factory: Callable[..., Any]) -> None:
        self._factory = factory

    def make(self, **options: Any) -> Any:
        return self._factory(**options)


class _BareCache(_Bare, CachingHarness):
    pass


class _BareMessaging(_Bare, MessagingHarness):
    pass


class _BareStorage(_Bare, StorageHarness):
    pass


_BARE: Final = (
    (CachingInterface, _BareCache),
    (MessagingInterface, _BareMessaging),
    (StorageInterface, _BareStorage),
)
