"""What docs/how-to/use-timescaledb.md shows works as it stands there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ..servers.postgres_endpoint import PostgresEndpoint
from .test_how_to import ROOT, blocks

PAGE = (ROOT / "docs" / "how-to" / "use-timescaledb.md").read_text("utf-8")


def test_the_weather_station_runs_as_often_as_one_likes(
    timescale: PostgresEndpoint, tmp_path: Path
) -> None:
    """Ten days of hours lie on ten or eleven days."""
    program = tmp_path / "weather_station.py"
    program.write_text(blocks("python", PAGE)[0], "utf-8")
    options = {name: str(value) for name, value in timescale.storage_options.items()}
    url = timescale.address(**options)

    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-X", "utf8", str(program)],
            env=os.environ | {"TIMESCALEDB_URL": url},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout in ("10 days\n0 chunks dropped\n", "11 days\n0 chunks dropped\n")
