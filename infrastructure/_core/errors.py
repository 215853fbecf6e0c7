"""The one place where a driver's error becomes ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from ..interfaces.exceptions import InfrastructureError
from .secrets import scrub

__all__ = ["ErrorMap", "Translation", "translate", "translated"]

Translation = Callable[[str, BaseException], InfrastructureError]
"""Makes our error from what was tried and the driver's error."""

ErrorMap = Mapping[type[BaseException], Translation | type[InfrastructureError]]
"""Driver's class to ours, or to a function that looks closer."""


@contextmanager
def translated(errors: ErrorMap, tried: str) -> Iterator[None]:
    """Turn a driver's error of the body into ours, chained; ours pass untouched.

    The most specific class of ``errors`` counts, whatever their order. What is not in the
    map passes as it is: it is a bug here, or it came from the caller's own code.
    """
    try:
        yield
    except InfrastructureError:
        # First: ours *are* OSErrors, and a map that names OSError would wrap them again.
        raise
    except tuple(errors) as exc:
        raise translate(errors, tried, exc) from exc


def translate(errors: ErrorMap, tried: str, exc: BaseException) -> InfrastructureError:
    """Return our error for a driver's ``exc``, by the most specific class in ``errors``."""
    for cls in type(exc).__mro__:
        if cls in errors:
            rule = errors[cls]

            if isinstance(rule, type):
                error: InfrastructureError = rule(
                    f"{tried}: {scrub(str(exc)) or type(exc).__name__}"
                )
                return error

            return rule(tried, exc)

    raise exc
