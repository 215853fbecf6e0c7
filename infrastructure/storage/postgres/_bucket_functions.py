"""The statements that make ``time_bucket`` on plain PostgreSQL, with TimescaleDB's signatures."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["SCHEMA", "STATEMENTS"]

SCHEMA = "infrastructure_functions"
"""Where they are: last on the search path, so that TimescaleDB's own come first once it is there."""

# One expression each: the planner puts it in place of the call, and where the width is a constant
# little more than date_bin is left of it. So are names looked up now, not when it runs.
_FUNCTION = """CREATE OR REPLACE FUNCTION {schema}.{name}({arguments})
RETURNS {returns} LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN {body}"""

# The time as an argument keeps it from being run at once where the others are constants.
_REFUSE = """CREATE OR REPLACE FUNCTION {schema}.refuse(why text, code text, ts anyelement)
RETURNS anyelement LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
BEGIN
  RAISE EXCEPTION USING MESSAGE = 'time_bucket: ' || why, ERRCODE = code;
END $body$"""

_MONTHS = "(extract(year FROM width) * 12 + extract(month FROM width))::int"

_TIMESTAMP = """CASE
  WHEN NOT isfinite(ts) THEN ts
  WHEN bucket_width <= interval '0'
    THEN {schema}.refuse('a width is greater than 0', '22023', ts)
  WHEN {schema}.months(bucket_width) = 0
    THEN {schema}.time_bucket_fixed(bucket_width, ts, origin)
  WHEN bucket_width <> make_interval(months => {schema}.months(bucket_width))
    THEN {schema}.refuse('a width of months has no days or time beside', '0A000', ts)
  ELSE {schema}.time_bucket_months({schema}.months(bucket_width), ts, origin)
END"""

# For a time before the origin that begins a bucket, date_bin of servers before May 2024 gives the
# bucket before.
_FIXED = """CASE
  WHEN ts < origin AND date_bin(bucket_width, ts, origin) + bucket_width <= ts THEN ts
  ELSE date_bin(bucket_width, ts, origin)
END"""

# The first of the month, less the months that are over since a bucket began; of the origin only
# its month counts.
_MONTHLY = """date_trunc('month', ts) - make_interval(months => mod(width + mod((
    (extract(year FROM ts) - extract(year FROM origin)) * 12
    + extract(month FROM ts) - extract(month FROM origin)
  )::int, width), width))"""

# TimescaleDB's: a Monday, and the first of a month.
_ORIGIN = """CASE WHEN {schema}.months(bucket_width) = 0
    THEN timestamp '2000-01-03' ELSE timestamp '2000-01-01' END"""

_ZONED = """({schema}.time_bucket(
  bucket_width,
  (ts AT TIME ZONE timezone) - coalesce("offset", interval '0'),
  coalesce(origin AT TIME ZONE timezone, {origin})
) + coalesce("offset", interval '0')) AT TIME ZONE timezone"""

_DAYS = """CASE
  WHEN {schema}.months(bucket_width) = 0 AND mod(extract(epoch FROM bucket_width), 86400) <> 0
    THEN {schema}.refuse('the width for a date is whole days', '0A000', ts)
  ELSE ({bucket})::date
END"""

_INTEGER = """CASE
  WHEN bucket_width <= 0 THEN {schema}.refuse('a width is greater than 0', '22023', ts)
  WHEN mod(ts, bucket_width) < 0 THEN ts - mod(ts, bucket_width) - bucket_width
  ELSE ts - mod(ts, bucket_width)
END"""

_WITH_OFFSET = """{schema}.time_bucket(
  bucket_width, ts - mod("offset", bucket_width)
) + mod("offset", bucket_width)"""

_UTC = "AT TIME ZONE 'UTC'"


def _functions() -> Iterator[tuple[str, str, str, str]]:
    """Give the name, the arguments, the type and the body of each, those first that others use."""
    yield "months", "width interval", "integer", _MONTHS
    time = "timestamp"
    yield "time_bucket_fixed", "bucket_width interval, ts timestamp, origin timestamp", time, _FIXED
    yield "time_bucket_months", "width integer, ts timestamp, origin timestamp", time, _MONTHLY
    bucket = "{schema}.time_bucket"
    of = "bucket_width interval, ts "
    yield "time_bucket", f"{of}timestamp, origin timestamp", time, _TIMESTAMP
    yield "time_bucket", f"{of}timestamp", time, f"{bucket}(bucket_width, ts, {_ORIGIN})"
    shifted = f'{bucket}(bucket_width, ts - "offset") + "offset"'
    yield "time_bucket", f'{of}timestamp, "offset" interval', time, shifted

    zoned = "timestamptz"
    utc = f"{bucket}(bucket_width, ts {_UTC}, origin {_UTC}) {_UTC}"
    yield "time_bucket", f"{of}{zoned}, origin {zoned}", zoned, utc
    yield "time_bucket", f"{of}{zoned}", zoned, f"{bucket}(bucket_width, ts {_UTC}) {_UTC}"
    shifted = f'{bucket}(bucket_width, ts {_UTC}, "offset") {_UTC}'
    yield "time_bucket", f'{of}{zoned}, "offset" interval', zoned, shifted
    arguments = (
        f'{of}{zoned}, timezone text, origin {zoned} DEFAULT NULL, "offset" interval DEFAULT NULL'
    )
    yield "time_bucket", arguments, zoned, _ZONED.replace("{origin}", _ORIGIN)

    for argument, call in (
        ("origin date", "(bucket_width, ts::timestamp, origin::timestamp)"),
        ('"offset" interval', '(bucket_width, ts::timestamp, "offset")'),
        ("", "(bucket_width, ts::timestamp)"),
    ):
        arguments = f"{of}date, {argument}".removesuffix(", ")
        yield "time_bucket", arguments, "date", _DAYS.replace("{bucket}", bucket + call)

    for kind in ("smallint", "integer", "bigint"):
        arguments = f"bucket_width {kind}, ts {kind}"
        yield "time_bucket", arguments, kind, _INTEGER
        yield "time_bucket", f'{arguments}, "offset" {kind}', kind, _WITH_OFFSET


def _statements() -> Iterator[str]:
    yield _REFUSE.format(schema=SCHEMA)

    for name, arguments, returns, body in _functions():
        expression = body.format(schema=SCHEMA)
        yield _FUNCTION.format(
            schema=SCHEMA, name=name, arguments=arguments, returns=returns, body=expression
        )


STATEMENTS = tuple(_statements())
"""In the order in which they run."""
