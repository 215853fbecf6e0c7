"""What the URL and the keywords of a PostgreSQL storage say together."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure._core.secrets import Secret
from infrastructure.interfaces import ConfigurationError, ValidationError
from infrastructure.storage.postgres._settings import DEFAULTS, Options, options_of

URL = "postgresql://h/d"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


def read(url: str = URL, **given: Any) -> Options:
    return options_of(url, given)


def refused(url: str = URL, **given: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        options_of(url, given)

    assert "hunter2" not in str(caught.value)
    return str(caught.value)


class TestAddress:
    """Where the servers are."""

    @pytest.mark.parametrize(
        ("url", "hosts", "where"),
        [
            ("postgresql://h/d", (("h", 5432),), "postgresql://h:5432/d"),
            ("postgres://h:1/d", (("h", 1),), "postgresql://h:1/d"),
            ("postgresql://h:1,k/d", (("h", 1), ("k", 5432)), "postgresql://h:1,k:5432/d"),
            ("postgresql://[::1]:7/d", (("::1", 7),), "postgresql://[::1]:7/d"),
            ("postgresql://", (("localhost", 5432),), "postgresql://localhost:5432/"),
            (
                "postgresql:///d?host=/run/a&port=7",
                (("/run/a", 7),),
                "postgresql:///d?host=/run/a&port=7",
            ),
            ("postgresql://%2Frun/d", (("/run", 5432),), "postgresql:///d?host=/run&port=5432"),
            ("postgresql://h/%D8%B3", (("h", 5432),), "postgresql://h:5432/س"),
        ],
    )
    def test_the_hosts_of_a_url(self, url, hosts, where) -> None:
        """Names, addresses, a folder of sockets; each has a port."""
        options = read(url)
        assert (options.address.hosts, options.where) == (hosts, where)

    def test_user_and_password(self) -> None:
        """They are decoded; what is left out is left to libpq."""
        address = read("postgresql://u%40x:p%2Fw@h/d").address
        assert (address.user, address.password) == ("u@x", Secret("p/w"))
        bare = read("postgresql://h").address
        assert (bare.user, bare.password, bare.database) == (None, None, None)

    def test_the_environment_says_what_the_url_does_not(self, monkeypatch) -> None:
        """As libpq reads it."""
        monkeypatch.setenv("PGHOST", "a,/run/b")
        monkeypatch.setenv("PGPORT", "6000")
        assert read("postgresql:///d").address.hosts == (("a", 6000), ("/run/b", 6000))
        assert read("postgresql://h:1,k/d").address.hosts == (("h", 1), ("k", 6000))
        monkeypatch.setenv("PGPORT", "none")
        assert "the port 'none', there or in PGPORT" in refused("postgresql:///d")

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("mysql://h/d", "there is no PostgreSQL at mysql://"),
            ("postgresql://h:0/d", "is not a number of 1 to 65535"),
            ("postgresql:///d?port=x", "the port 'x'"),
            ("postgresql://h/d?host=/run", "host= and port= are for one that names no host"),
            ("postgresql://h/d?port=5", "host= and port= are for one that names no host"),
            ("postgresql:///d?host=other", "is the folder of a Unix socket"),
            ("postgresql://a%2Cb/d", "a host has no comma"),
            ("postgresql://u:hunter2%00@h/d", "the password has a NUL"),
            ("postgresql://u:hunter2\ud800@h/d", "cannot be encoded in UTF-8"),
            (f"postgresql://u:hunter2{'x' * 9000}@h/d", "8192 are allowed"),
            ("postgresql://h/d%00", "the database has a NUL"),
            ("postgresql://h%00/d", "the host has a NUL"),
        ],
    )
    def test_a_url_that_makes_no_sense_is_refused(self, url, said) -> None:
        """With what is wrong."""
        assert said in refused(url)


class TestOptions:
    """How the storage works."""

    def test_everything_has_a_default(self) -> None:
        """What is not said is what DEFAULTS says."""
        options = read()
        changed = {"settings": {}, "target_session_attrs": "any"}
        names = set(DEFAULTS) - {"listen_url"}
        found = {name: getattr(options, name) for name in names}
        assert found == {name: changed.get(name, DEFAULTS[name]) for name in names}
        assert options.listen is None
        assert read(**DEFAULTS) == options

    def test_the_url_says_the_same_as_keywords(self) -> None:
        """All options; saying one twice alike is no contradiction."""
        given = {
            "deadline": 2.5,
            "max_connections": 3,
            "pipelining": False,
            "group_commit": True,
            "bulk": "values",
            "hypertables": "index",
            "listen_url": "postgresql://direct/d",
            "statement_cache": 9,
            "prepared": "off",
            "application_name": "me",
            "target_session_attrs": "primary",
            "sslmode": "verify-ca",
            "sslrootcert": "/a.pem",
            "sslcert": "/b.pem",
            "sslkey": "/b.key",
            "channel_binding": "require",
        }
        assert set(given) == set(DEFAULTS) - {"settings"}
        url = f"{URL}?{'&'.join(f'{name}={given[name]}' for name in given)}"
        assert read(url) == read(url, **given) == read(**given)

    def test_settings_of_the_server(self) -> None:
        """As a mapping or, one by one, in the URL; a bool is spelled as the server does."""
        url = f"{URL}?settings.search_path=app%2C%20public&settings.app.who=a"
        same = {"search_path": "app, public", "app.who": "a"}
        assert read(url).settings == read(settings=same).settings == same
        assert read(url, settings={"jit": False, "work_mem": 64}).settings == {
            "jit": "off",
            "work_mem": "64",
            **same,
        }
        assert "the setting search_path stands in the URL" in refused(
            url, settings={"search_path": "hunter2"}
        )

    def test_several_hosts_mean_the_one_that_takes_writes(self) -> None:
        """One host is taken as it is."""
        assert (read().target_session_attrs, read().read_write) == ("any", False)
        several = read("postgresql://h,k/d")
        assert (several.target_session_attrs, several.read_write) == ("read-write", True)
        assert not read("postgresql://h,k/d?target_session_attrs=any").read_write

    def test_where_to_listen(self) -> None:
        """A URL of its own, with what this one says of TLS."""
        options = read(listen_url="postgresql://u:hunter2@k/d", sslrootcert="/a.pem")
        assert options.listen is not None
        assert options.listen.where == "postgresql://k:5432/d"
        assert options.listen.sslrootcert == "/a.pem"
        own = read(listen_url="postgresql://k/d?sslrootcert=/b.pem", sslrootcert="/a.pem")
        assert own.listen is not None
        assert own.listen.sslrootcert == "/b.pem"
        assert read(listen_url=Secret("postgresql://k/d")) == read(listen_url="postgresql://k/d")
        assert "there is no PostgreSQL" in refused(listen_url="redis://u:hunter2@k")

    def test_no_secret_is_shown(self) -> None:
        """Neither by the options nor by the text of the address."""
        options = read(
            "postgresql://u:hunter2@h/d?settings.app.key=hunter2",
            listen_url="postgresql://u:hunter2@k/d",
        )
        assert "hunter2" not in repr(options) + options.where

    @pytest.mark.parametrize("name", ["nonsense", "user", "password", "connect_timeout"])
    def test_an_unknown_option_is_refused(self, name) -> None:
        """With those there are."""
        assert f"no option '{name}'; there are: application_name, bulk" in refused(
            f"{URL}?{name}=hunter2"
        )

    def test_settings_have_one_form_in_a_url(self) -> None:
        """Libpq's own, and a mapping as a text, are refused with it."""
        assert "say settings.search_path=" in refused(f"{URL}?options=-csearch_path%3Dapp")
        assert "say settings.search_path=" in refused(f"{URL}?settings=app")

    def test_a_contradiction_is_refused(self) -> None:
        """Without showing the values."""
        assert "say it once" in refused(f"{URL}?bulk=copy", bulk="values")
        hidden = "postgresql://u:hunter2@k"
        assert "say it once" in refused(f"{URL}?listen_url={hidden}", listen_url=f"{hidden}/x")

    @pytest.mark.parametrize("text", ["deadline=x", "max_connections=1.5", "statement_cache="])
    def test_a_text_that_is_no_number_is_refused(self, text) -> None:
        """With the option's name."""
        name, _, value = text.partition("=")
        assert f"the option {name} of {read().where} is a number, got {value!r}" in refused(
            f"{URL}?{text}"
        )

    @pytest.mark.parametrize(
        ("name", "values", "said"),
        [
            ("max_connections", (0, -1, 1.0, True, None, "1"), "a whole number from 1 to"),
            ("statement_cache", (0, None), "a whole number from 1 to"),
            ("pipelining", ("maybe", None, 1), "is true or false"),
            ("group_commit", ("", 0), "is true or false"),
            ("bulk", ("COPY", None, 1), "'auto', 'copy' or 'values'"),
            ("hypertables", ("", "ignore"), "'require' or 'index'"),
            ("prepared", ("on",), "'auto' or 'off'"),
            ("target_session_attrs", ("rw", 1), "'any', 'read-write'"),
            ("sslmode", ("allow", "yes", 1), "'verify-full', 'verify-ca', 'require', 'prefer'"),
            ("channel_binding", ("no",), "'require', 'prefer' or 'disable'"),
            ("sslrootcert", ("", 1, b"a"), "a non-empty str, or None"),
            ("sslrootcert", ("a\0b",), "has a NUL"),
            ("application_name", ("",), "a non-empty str, or None"),
            ("listen_url", (1, b"postgresql://u:hunter2@h"), "takes a URL, or None, got a"),
            ("settings", ("a", ["a"]), "a mapping of the server's parameters"),
            ("settings", ({"a b": 1}, {"": 1}, {1: 1}, {"a'": 1}), "names parameters of the"),
            ("settings", ({"TimeZone": "Asia/Tehran"},), "cannot set 'TimeZone': it is UTC"),
            ("settings", ({"intervalstyle": "x"},), "the storage reads values by it"),
            ("settings", ({"application_name": "x"},), "application_name="),
            ("settings", ({"a.b": b"hunter2"}, {"a.b": None}), "takes a str, a number or a bool"),
            ("settings", ({"a.b": "hunter2\0"},), "has a NUL"),
        ],
    )
    def test_a_wrong_value_is_refused(self, name, values, said) -> None:
        """With what the option takes."""
        for value in values:
            assert said in refused(**{name: value}), value

    def test_a_bad_deadline_is_refused_as_everywhere(self) -> None:
        """By the check that a deadline block has too."""
        for value in (0, -1, float("inf"), float("nan"), True, "1"):
            with pytest.raises(ValidationError, match="deadline= takes a positive number"):
                read(deadline=value)
