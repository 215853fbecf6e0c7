"""A URL is split at the border, and what is wrong with it is said without its password."""

from __future__ import annotations

import pytest

from infrastructure._core.secrets import Secret
from infrastructure._core.urls import Url, flag_option, number_option, parse_url, refuse_unknown
from infrastructure.interfaces import ConfigurationError


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("memory://", Url(scheme="memory")),
        ("memory://Name", Url(scheme="memory", hosts=(("Name", None),))),
        ("sqlite:////tmp/a%20b.db", Url(scheme="sqlite", path="/tmp/a b.db")),  # noqa: S108 - text
        (
            "REDIS+Cluster://h1:1,h2,[::1]:3/0?a=1&b=",
            Url(
                scheme="redis+cluster",
                hosts=(("h1", 1), ("h2", None), ("::1", 3)),
                path="0",
                options={"a": "1", "b": ""},
            ),
        ),
        (
            "postgresql://u%40x:p%3Aw@[::1]/db",
            Url(
                scheme="postgresql",
                hosts=(("::1", None),),
                user="u@x",
                password=Secret("p:w"),
                path="db",
            ),
        ),
        (
            "kafka://h:1,[::1]?group_id=a@b",
            Url(scheme="kafka", hosts=(("h", 1), ("::1", None)), options={"group_id": "a@b"}),
        ),
        ("sqlite:///a@b.db?c=d@e", Url(scheme="sqlite", path="a@b.db", options={"c": "d@e"})),
        (
            "redis://u:p@h/a@b",
            Url(scheme="redis", hosts=(("h", None),), user="u", password=Secret("p"), path="a@b"),
        ),
        (
            "kafka://[::1]:1,[fe80::1%lo]",
            Url(scheme="kafka", hosts=(("::1", 1), ("fe80::1%lo", None))),
        ),
        ("kafka://h:1, h:2", Url(scheme="kafka", hosts=(("h", 1), ("h", 2)))),
        ("memory://a b", Url(scheme="memory", hosts=(("a b", None),))),
        ("redis://h:6379\n", Url(scheme="redis", hosts=(("h", 6379),))),
        ("redis://:pw@h", Url(scheme="redis", hosts=(("h", None),), password=Secret("pw"))),
    ],
)
def test_a_url_is_split(text, url) -> None:
    """Scheme, hosts with ports, user, password, path and options."""
    assert parse_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        None,
        b"redis://h",
        "host:6379",
        "redis://u:hunter2@h:port",
        "redis://u:hunter2@h:0",
        "redis://u:hunter2@h:65536",
        "redis://u:hunter2@h:²",
        "redis://u:hunter2@h?a=1&a=2",
        "redis://u:hunter2@[::1",
        "redis://u:hunter2@[v1]:1",
        "redis://u:hunter2@[::1]x",
        "kafka://u:hunter2@::1",
        "kafka://u:hunter2@h:1;h:2",
        "redis://u:hunter2/x@h",
        "redis://u:x/hunter2@h",
        "redis://u:1/hunter2@h",
        "redis://u:hunter2?x@h",
        "redis://u:1?hunter2@h",
        "redis://u:hunter2?a=b@h",
        "redis://u:a?a=hunter2@h",
        "redis://hunter2/x@h",
        "redis://u:hunter2#x@h",
        "redis://h#hunter2",
        "redis://u:hunter2%ff@h",
        "redis://h?password=hunter2%ff",
        "redis://u:hunter2@h/%e9",
    ],
)
def test_a_bad_url_is_a_configuration_error(text) -> None:
    """Which shows no password."""
    with pytest.raises(ConfigurationError) as caught:
        parse_url(text)

    assert "hunter2" not in str(caught.value)


def test_a_url_shows_no_password() -> None:
    """Nor does the object that it becomes, whose options may hold another."""
    assert "hunter2" not in repr(parse_url("redis://u:hunter2@h?sentinel_password=hunter2"))


def test_unknown_options_are_refused_with_the_known_ones() -> None:
    """All of them, in order."""
    refuse_unknown({"a": 1}, {"a": 0, "b": 0}, "here")

    with pytest.raises(ConfigurationError, match="here has no option 'c', 'd'; there are: a, b"):
        refuse_unknown({"d": 1, "c": 1, "a": 1}, {"b": 0, "a": 0}, "here")

    with pytest.raises(ConfigurationError, match="there are: none"):
        refuse_unknown({"a": 1}, {}, "here")


def test_options_are_read_from_values_and_from_texts() -> None:
    """A URL's are texts; what is neither is said with the option's name."""
    assert [number_option("n", value) for value in (1, 2.5, "3e1")] == [1.0, 2.5, 30.0]
    flags = [True, False, "true", "False", "1", "0", "yes", "NO"]
    assert [flag_option("f", value) for value in flags] == [True, False] * 4

    for value in ("many", None, []):
        with pytest.raises(ConfigurationError, match="the option n is a number"):
            number_option("n", value)

    for value in ("maybe", 1, None, ""):
        with pytest.raises(ConfigurationError, match="the option f is true or false"):
            flag_option("f", value)
