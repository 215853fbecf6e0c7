"""The observations: how they are read from the file, and which of them are to be believed."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Optional

from ...interfaces.exceptions import ConfigurationError, ValidationError

__all__ = ["COLUMNS", "MEASURES", "data_file", "read_observations", "to_row"]

_NAME = "nyc_weather_2013.csv.gz"

# What each instrument can show: below and above it the reading is an error, not weather.
MEASURES: Mapping[str, tuple[float, float]] = {
    "temp": (-60.0, 130.0),  # degrees Fahrenheit
    "dewp": (-80.0, 100.0),  # degrees Fahrenheit
    "humid": (0.0, 100.0),  # per cent
    "wind_dir": (0.0, 360.0),  # degrees
    "wind_speed": (0.0, 250.0),  # miles an hour; 253 is the highest gust ever measured
    "wind_gust": (0.0, 260.0),
    "precip": (0.0, 15.0),  # inches
    "pressure": (870.0, 1085.0),  # millibars, at sea level
    "visib": (0.0, 100.0),  # miles
}

COLUMNS = ("origin", "time_hour", *MEASURES)


def data_file(given: Optional[Path]) -> Path:
    """Return the file to read: the given one, or the year that comes with the package."""
    here = Path(__file__).parent
    candidates = [given] if given else [here / _NAME, here.parents[2] / "examples" / "data" / _NAME]

    for candidate in candidates:
        if candidate.is_file():
            return candidate

    what = (
        f"{candidates[0]} is a folder"
        if candidates[0].is_dir()
        else f"there is no file {candidates[0]}"
    )
    msg = f"{what}; name a file by --data"
    raise ConfigurationError(msg)


def read_observations(path: Path) -> Iterator[dict[str, str]]:
    """Give the lines of the file as they are, by column name."""
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            reader = csv.DictReader(lines)
            missing = set(COLUMNS) - set(reader.fieldnames or ())

            if missing:
                msg = f"{path} lacks the columns {', '.join(sorted(missing))}"
                raise ConfigurationError(msg)

            yield from reader
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as exc:
        msg = f"{path} cannot be read as CSV, or as .gz of it: {exc}"
        raise ConfigurationError(msg) from exc


def to_row(observation: Mapping[str, str]) -> list[Any]:
    """Return the values of ``COLUMNS``; raise ``ValidationError`` that says what is wrong.

    ``NA`` is a missing reading, which is no error.
    """
    return [
        observation["origin"],
        datetime.fromisoformat(observation["time_hour"]),
        *(_measure(name, observation[name], observation) for name in MEASURES),
    ]


def _measure(name: str, text: str, observation: Mapping[str, str]) -> Optional[float]:
    if text == "NA":
        return None

    where = f"{observation['origin']} at {observation['time_hour']}"

    try:
        value = float(text)
    except ValueError as exc:
        msg = f"{where}: {name} is {text!r}, not a number"
        raise ValidationError(msg) from exc

    lowest, highest = MEASURES[name]

    if not lowest <= value <= highest:
        msg = f"{where}: {name} is {value:g}, and can only be {lowest:g} to {highest:g}"
        raise ValidationError(msg)

    return value
