"""What a Redis cache's URL and keyword options say together, and how it is said when they do not fit."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure._core.codec import RawCodec, codec_of
from infrastructure._core.secrets import Secret
from infrastructure.caching.memory import MemoryCache
from infrastructure.caching.redis._address import Address
from infrastructure.caching.redis._options import DEFAULTS, Options, read_options
from infrastructure.interfaces import ConfigurationError, ValidationError

SENTINELS = "redis+sentinel://a,b:1/svc"


def read(url: str = "redis://", **given: Any) -> Options:
    return read_options(url, {**DEFAULTS, **given})


def refused(url: str = "redis://", **given: Any) -> str:
    """Return the text of the error, which shows no password."""
    with pytest.raises(ConfigurationError) as caught:
        read(url, **given)

    assert "hunter2" not in str(caught.value)
    return str(caught.value)


class TestAddresses:
    """Where the servers are."""

    @pytest.mark.parametrize(
        ("url", "address"),
        [
            (
                "redis://",
                Address(
                    topology="single",
                    hosts=(("localhost", 6379),),
                    where="redis://localhost:6379/0",
                ),
            ),
            (
                "REDISS://u:p%2Fw@[::1]:7000/3",
                Address(
                    topology="single",
                    hosts=(("::1", 7000),),
                    database=3,
                    tls=True,
                    user="u",
                    password=Secret("p/w"),
                    where="rediss://[::1]:7000/3",
                ),
            ),
            (
                "redis://:p@:7000/",
                Address(
                    topology="single",
                    hosts=(("localhost", 7000),),
                    password=Secret("p"),
                    where="redis://localhost:7000/0",
                ),
            ),
            (
                "unix://u:p@/run/a%20b/redis.sock?db=2",
                Address(
                    topology="single",
                    path="/run/a b/redis.sock",
                    database=2,
                    user="u",
                    password=Secret("p"),
                    where="unix:///run/a b/redis.sock?db=2",
                ),
            ),
            (
                "redis+cluster://a,b:1/0",
                Address(
                    topology="cluster",
                    hosts=(("a", 6379), ("b", 1)),
                    where="redis+cluster://a:6379,b:1",
                ),
            ),
            (
                "rediss+cluster://a",
                Address(
                    topology="cluster",
                    hosts=(("a", 6379),),
                    tls=True,
                    where="rediss+cluster://a:6379",
                ),
            ),
            (
                f"{SENTINELS}/4",
                Address(
                    topology="sentinel",
                    hosts=(("a", 26379), ("b", 1)),
                    service="svc",
                    database=4,
                    where="redis+sentinel://a:26379,b:1/svc/4",
                ),
            ),
            (
                "rediss+sentinel:///svc",
                Address(
                    topology="sentinel",
                    hosts=(("localhost", 26379),),
                    service="svc",
                    tls=True,
                    where="rediss+sentinel://localhost:26379/svc/0",
                ),
            ),
        ],
    )
    def test_a_url_says_where(self, url, address) -> None:
        """Each form, with what it leaves out."""
        options = read(url)
        assert options.address == address
        assert options.where == address.where

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("redis", "a URL looks like"),
            ("memory://", "no Redis at memory://; its URLs are redis://"),
            ("redisx://h", "no Redis at redisx://"),
            ("unixs:///a", "no Redis at unixs://"),
            ("redis://u:hunter2@h/x", "the database 'x', which is no number"),
            ("redis://u:hunter2@h/-1", "the database '-1'"),
            ("redis://u:hunter2@h/²", "the database '²'"),
            ("redis://u:hunter2@h/1234567890", "the database '1234567890'"),
            ("redis://u:hunter2@h,[::1]:2", r"redis://h,[::1]:2 names several hosts; say redis+cl"),
            ("redis://u:hunter2@h/0?db=1", "redis://h:6379/0 has no option 'db'"),
            ("unix://", "the absolute path of a socket after three slashes"),
            ("unix://u:hunter2@run/redis.sock", "the absolute path"),
            ("unix:///a?db=x", "unix:///a has the database 'x'"),
            ("redis+cluster://h/1", "the database 1; a Cluster has only 0"),
            ("redis+cluster://h/x", "the database 'x'"),
            ("redis+sentinel://u:hunter2@h", "redis+sentinel://h lacks the service"),
            ("redis+sentinel://h//0", "lacks the service"),
            ("redis+sentinel://h/svc/x", "the database 'x'"),
            ("redis+sentinel://h/svc/0/1", "the database '0/1'"),
            ("redis://u:hunter2\ud800@h", "the URL cannot be encoded in UTF-8"),
        ],
    )
    def test_a_url_that_makes_no_sense_is_refused(self, url, said) -> None:
        """With what is wrong and how it is written."""
        assert said in refused(url)


class TestOptions:
    """How the cache works."""

    def test_everything_has_a_default(self) -> None:
        """Also where the constructor gives nothing."""
        options = read()
        assert options == read_options("redis://", {})
        given = {name: getattr(options, name) for name in DEFAULTS}
        assert given == {**DEFAULTS, "codec": codec_of("msgpack")}

    def test_the_url_says_the_same_as_keywords(self) -> None:
        """All options but near=; saying one twice alike is no contradiction."""
        given = {
            "deadline": 2.5,
            "prefix": "اپ:",
            "codec": "json",
            "mode": "multiplexed",
            "max_connections": 3,
            "near_entries": 4,
            "lease": 0.5,
            "client_name": "me@here",
            "tls_ca_file": "/a/b.pem",
            "sentinel_user": "u",
            "sentinel_password": "hunter2",
        }
        assert set(given) == set(DEFAULTS) - {"near"}
        url = f"rediss+sentinel://h/svc?{'&'.join(f'{name}={given[name]}' for name in given)}"
        assert read(url) == read(url, **given) == read("rediss+sentinel://h/svc", **given)
        assert read(url).sentinel_password == Secret("hunter2")
        assert read("redis://?mode=pooled").mode == "pooled"

    def test_no_secret_is_shown(self) -> None:
        """Neither by the options nor by the text of the address."""
        url = "redis+sentinel://u:hunter2@h/svc"
        options = read(url, sentinel_user="s", sentinel_password="hunter2")
        assert "hunter2" not in repr(options) + options.where
        same = read(url, sentinel_user="s", sentinel_password=Secret("hunter2"))
        assert options == same

    def test_a_codec_and_a_near_cache_may_be_objects(self) -> None:
        """They are handed on as they are."""
        codec, near = RawCodec(), MemoryCache()
        options = read(codec=codec, near=near)
        assert (options.codec, options.near) == (codec, near)

    @pytest.mark.parametrize(
        "text", ["deadline=x", "lease=x", "max_connections=1.5", "near_entries="]
    )
    def test_a_text_that_is_no_number_is_refused(self, text) -> None:
        """With the option's name."""
        name, _, value = text.partition("=")
        assert f"{name} of redis://h:6379/0 is a number, got {value!r}" in refused(
            f"redis://h?{text}"
        )

    def test_a_contradiction_is_refused(self) -> None:
        """Without showing the values."""
        assert "lease stands in the URL redis://h:6379/0" in refused("redis://h?lease=1", lease=2)
        url = f"{SENTINELS}?sentinel_password=hunter2"
        assert "say it once" in refused(url, sentinel_password="hunter2hunter2")

    @pytest.mark.parametrize("name", ["near", "nonsense", "db", "password"])
    def test_an_unknown_option_is_refused(self, name) -> None:
        """With those there are."""
        assert f"no option '{name}'; there are: client_name, codec" in refused(f"redis://?{name}=1")

    @pytest.mark.parametrize(
        ("name", "values", "said"),
        [
            ("lease", (0, 0.01, 3601, float("nan"), True, None), "from 0.05 to 3600"),
            ("prefix", (None, b"a"), "a str"),
            ("prefix", ("\ud800",), "cannot be encoded"),
            ("prefix", ("س" * 40_000,), "takes 80000 bytes; 65536 are allowed"),
            ("codec", ("pickle",), "there is no codec 'pickle'"),
            ("codec", (None, object()), "'raw' or an object with encode and decode"),
            ("mode", ("", "Pooled", None, ["pooled"]), "'multiplexed' or 'pooled'"),
            ("max_connections", (0, -1, 1.0, True, None), "a whole number from 1 on"),
            ("near", ("memory://", MemoryCache), "a CachingInterface"),
            ("near_entries", (-1, True, None), "a whole number from 0 on"),
            ("client_name", ("", "a b", "سلام", "a\n", 1), "client_name= takes"),
            ("tls_ca_file", ("", b"a", 1), "a non-empty str"),
            ("sentinel_user", ("", 1), "a non-empty str"),
            ("sentinel_password", ("", 1, b"hunter2"), "a non-empty str, or None, got a"),
            ("sentinel_password", ("hunter2\ud800",), "cannot be encoded"),
        ],
    )
    def test_a_wrong_value_is_refused(self, name, values, said) -> None:
        """With what the option takes."""
        for value in values:
            assert said in refused(SENTINELS, **{name: value})

    def test_a_bad_deadline_is_refused_as_everywhere(self) -> None:
        """By the check that a deadline block has too."""
        for value in (0, -1, float("inf"), float("nan"), True, "1"):
            with pytest.raises(ValidationError, match="deadline= takes a positive number"):
                read(deadline=value)

    @pytest.mark.parametrize(
        ("url", "given", "said"),
        [
            ("redis://", {"near": MemoryCache(), "near_entries": 1}, "give one of the two"),
            ("redis://", {"near": MemoryCache(), "mode": "pooled"}, "leave mode= or the near"),
            ("redis://", {"near_entries": 1, "mode": "pooled"}, "leave mode= or the near"),
            ("redis://", {"tls_ca_file": "/a"}, "tls_ca_file= is for TLS, and redis://localhost"),
            ("unix:///a", {"tls_ca_file": "/a"}, "and unix:///a?db=0 has none"),
            ("redis+cluster://h", {"sentinel_user": "u"}, "are for redis+sentinel://"),
            ("redis://h", {"sentinel_password": "hunter2"}, "not for redis://h:6379/0"),
        ],
    )
    def test_options_that_do_not_go_together_are_refused(self, url, given, said) -> None:
        """Each is right by itself."""
        assert said in refused(url, **given)
