"""The demo with Redis, Kafka and a PostgreSQL at once accounts for every row, in each of them."""

from __future__ import annotations

import csv
import gzip
import secrets
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition

from ..servers.endpoint import Endpoint
from ..servers.kafka_server import KafkaServer
from ..servers.postgres_endpoint import PostgresEndpoint
from .test_demo import COMPLETE, DATA, run

TOPIC = "weather.observations"
GROUP = "infrastructure-demo"
BAD = ("EWR", datetime.fromisoformat("2013-02-12T08:00:00Z"))

pytestmark = pytest.mark.slow


@pytest.fixture(params=["postgres_database", "timescale"])
def database(request: pytest.FixtureRequest) -> PostgresEndpoint:
    """Return an empty database, of PostgreSQL and of TimescaleDB."""
    found: PostgresEndpoint = request.getfixturevalue(request.param)
    return found


def observed() -> set[tuple[str, datetime, float | None]]:
    """Return what the file has that is weather: the airport, the time and the temperature."""
    with gzip.open(DATA, "rt") as lines:
        rows = [
            (row["origin"], datetime.fromisoformat(row["time_hour"]), _number(row["temp"]))
            for row in csv.DictReader(lines)
        ]

    assert len(rows) == 26_115
    return {row for row in rows if row[:2] != BAD}


def _number(text: str) -> float | None:
    return None if text == "NA" else float(text)


def test_every_row_is_accounted_for(
    private_kafka: KafkaServer, database: PostgresEndpoint, valkey: Endpoint, tmp_path: Path
) -> None:
    """What the file has is stored or, the one that is no weather, with the dead letters; nothing waits."""
    prefix = f"demo-{secrets.token_hex(6)}:"
    options = {name: str(value) for name, value in database.storage_options.items()}
    servers = ["--cache", f"{valkey.url}?prefix={prefix}", "--messaging", private_kafka.url]
    done = run(*servers, "--storage", database.address(**options), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert COMPLETE in done.stdout
    assert "Traceback" not in done.stdout + done.stderr

    with database.control() as control:
        control.execute("SET TIME ZONE 'UTC'")
        stored = set(control.execute("SELECT origin, time_hour, temp FROM weather"))
        # Of two sets that differ pytest would compare all letters, for minutes.
        assert not stored ^ observed()

    with closing(private_kafka.consumer(GROUP)) as consumer:
        places = [TopicPartition(topic, 0) for topic in (TOPIC, f"{TOPIC}.dlq")]
        published = [consumer.get_watermark_offsets(place) for place in places]
        assert published == [(0, 26_115), (0, 1)]
        assert [place.offset for place in consumer.committed(places)] == [26_115, 1]

    with valkey.control() as control:
        newest = {f"{prefix}weather:newest:{airport}" for airport in ("EWR", "JFK", "LGA")}
        assert set(control.scan_iter(f"{prefix}*")) == newest
