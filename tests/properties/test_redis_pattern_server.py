"""A real server finds every key that our patterns match, among many that look alike."""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Iterator

import pytest
import redis

from infrastructure._core.glob import Token, compile_pattern, tokens
from infrastructure.caching.redis._pattern import server_pattern
from infrastructure.interfaces import escape_pattern

from ..servers.endpoint import Endpoint
from .server_glob import server_matches

CHARS = "abz0*?[]\\^!-{}\n\0سی\u200c😀"
PATTERNS, KEYS = 25, 200
# 50,000 pairs of pattern and key; a million with HYPOTHESIS_PROFILE=long.
ROUNDS = 200 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 10


@pytest.fixture(params=["valkey", "debian_redis"])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    server: Endpoint = request.getfixturevalue(request.param)

    with server.control(decode_responses=False) as client:
        yield client


@pytest.fixture
def draw(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(str(request.config.getoption("hypothesis_seed")))


def text(draw: random.Random, most: int = 4) -> str:
    return "".join(draw.choices(CHARS, k=draw.randint(0, most)))


def class_of(draw: random.Random) -> str:
    members = [f"\\{draw.choice(CHARS)}" for _ in range(draw.randint(1, 3))]
    spans = [f"\\{draw.choice(CHARS)}-\\{draw.choice(CHARS)}", "a-z", "z-a", "*", "س-ی"]
    return f"[{draw.choice(['', '', '!', '^'])}{''.join(members)}{draw.choice(['', *spans])}]"


def pattern_of(draw: random.Random) -> str:
    makes = (
        lambda: "*",
        lambda: "?",
        lambda: escape_pattern(text(draw, 2)),
        lambda: class_of(draw),
    )
    return "".join(draw.choice(makes)() for _ in range(draw.randint(1, 7)))


def one_of(draw: random.Random, token: Token) -> str:
    """Return a text that the token matches, mostly."""
    if not token.expression:
        return text(draw)

    if token.spans:
        return draw.choice(token.spans)[0]

    return token.literal or draw.choice(CHARS)


def key_of(draw: random.Random, pattern: str) -> str:
    """Return a key that the pattern matches or nearly does."""
    key = "".join(one_of(draw, token) for token in tokens(pattern))
    at = draw.randint(0, len(key))
    return draw.choice(
        [key, key, key[:at] + key[at + 1 :], key[:at] + draw.choice(CHARS) + key[at:]]
    )


def keys_of(draw: random.Random, patterns: list[str]) -> set[str]:
    keys: set[str] = set()

    while len(keys) < KEYS:
        keys |= {key_of(draw, draw.choice(patterns)), text(draw)} - {""}

    return set(sorted(keys)[:KEYS])


@pytest.mark.slow
def test_a_server_finds_all_that_match(client: redis.Redis, draw: random.Random) -> None:
    """And nothing of another prefix; what it finds besides is what its grammar says."""
    hits = 0

    for _ in range(ROUNDS):
        space = uuid.UUID(int=draw.getrandbits(128)).hex
        prefix = space + text(draw)
        patterns = [pattern_of(draw) for _ in range(PATTERNS)]
        keys = keys_of(draw, patterns)
        stored = {(prefix + key).encode() for key in keys}
        stored |= {(space + key).encode() for key in keys_of(draw, patterns)}
        client.mset(dict.fromkeys(stored, b""))

        for pattern in patterns:
            match = server_pattern(prefix, pattern)
            found = set(client.scan_iter(match=match, count=10_000))
            matches = compile_pattern(pattern)
            wanted = {(prefix + key).encode() for key in keys if matches(key)}
            assert not wanted - found, (prefix, pattern)
            assert all(name.startswith(prefix.encode()) for name in found), (prefix, pattern)
            assert found == {name for name in stored if server_matches(match, name)}
            hits += len(wanted)

        client.unlink(*stored)

    # Pairs that never match would prove nothing.
    assert hits > ROUNDS * PATTERNS * KEYS // 50
