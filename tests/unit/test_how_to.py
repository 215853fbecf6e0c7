"""What docs/how-to/write-a-backend.md shows works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ..servers import valkey
from ..servers.ports import free_port

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "write-a-backend.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
BROKEN = "        return int(entry[1] - time.monotonic())\n"

# What the page leaves out of its cache on a server: the other methods go the same way.
OTHERS = """
    async def get(self, key):
        data = await self._do("get", "GET", self._prefix + check_key(key))
        return None if data is None else MsgpackCodec().decode(data)

    async def set(self, key, value, ttl=None):
        name, data = self._prefix + check_key(key), MsgpackCodec().encode(value)
        await self._do("set", "SET", name, data)

    async def delete(self, key):
        return bool(await self._do("delete", "DEL", self._prefix + check_key(key)))

    async def ttl(self, key):
        return await self._do("ttl", "TTL", self._prefix + check_key(key))

    async def scan_keys(self, pattern):
        await self._do("scan_keys", "SCAN", 0)
        return []


from infrastructure.backends import MsgpackCodec
"""

Proofs = tuple[subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.slow


def blocks(language: str, text: str = PAGE) -> list[str]:
    """Return the blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the cache and its test, as the page has them."""
    return filled(tmp_path)


def filled(folder: Path) -> Path:
    """Write the cache and its test, as the page has them."""
    cache, test = blocks("python")[:2]
    assert cache.startswith("# mycache.py\n")
    assert test.startswith("# test_mycache.py\n")
    (folder / "mycache.py").write_text(cache, "utf-8")
    (folder / "test_mycache.py").write_text(test, "utf-8")
    return folder


def mended(folder: Path) -> Path:
    """Write them with the line that mends the cache, and the features of the next section."""
    line, features = blocks("python")[2:4]
    text = (filled(folder) / "mycache.py").read_text("utf-8")
    assert BROKEN in text
    (folder / "mycache.py").write_text(text.replace(BROKEN, line), "utf-8")
    declared = next(line for line in features.splitlines() if "features" in line)
    test = (folder / "test_mycache.py").read_text("utf-8")
    test = test.replace('    level = "core"\n', f'    level = "core"\n{declared}\n')
    (folder / "test_mycache.py").write_text(test, "utf-8")
    return folder


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> Proofs:
    """Return what the command says of the first draft and of the mended one.

    Both wait for keys to expire, most of the time: at the same time.
    """
    folders = filled(tmp_path_factory.mktemp("draft")), mended(tmp_path_factory.mktemp("mended"))
    command = ("infrastructure", "conform", "--backend", "test_mycache:MyHarness")

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda folder: run(folder, *command), folders)

    return first, second


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of Python in the folder, from where it is imported too."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), *tree()]))},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def tree() -> list[str]:
    """Return where this run takes the package from, where that is set by the environment."""
    return os.environ.get("PYTHONPATH", "").split(os.pathsep)


def shown(output: str) -> list[str]:
    """Return the lines of an output without what differs from run to run: times and line numbers."""
    return [re.sub(r"\d+\.\d+|(?<=:)\d+", "N", line) for line in output.splitlines()]


def test_the_output_on_the_page_is_what_is_printed(proofs: Proofs) -> None:
    """The first draft fails in the one check that the page and the README show."""
    done, _ = proofs
    assert done.returncode == 1, done.stderr

    for text in (PAGE, README):
        page = "\n".join(blocks("console", text))
        assert set(shown(done.stdout)) <= set(shown(page))


def test_pytest_fails_in_the_same_check(folder: Path) -> None:
    """By its name, with the words of the failure."""
    # The command above asked all the others; those that wait for an expiry are left out here.
    leave_out = ("-k", "not C4 and not C6")
    done = run(folder, "pytest", "-q", *leave_out, "-p", "no:cacheprovider", "-p", "no:asyncio")
    assert done.returncode == 1, done.stdout
    assert "test_contract[C5_ttl_is_rounded_up]" in done.stdout
    assert "1 failed, " in done.stdout


def test_the_line_on_the_page_mends_it(proofs: Proofs) -> None:
    """Then every check passes, the features of the next section too."""
    _, done = proofs
    assert done.returncode == 0, done.stdout + done.stderr


def server_harness(folder: Path) -> None:
    """Write the page's harness of a cache on a server, with the server where it is here."""
    (source,) = (one for one in blocks("python") if one.startswith("# test_myserver.py\n"))
    assert '"valkey-server"' in source
    source = source.replace("7007", str(free_port()))
    source = source.replace('"valkey-server"', repr(str(valkey.program().path)))
    (folder / "test_myserver.py").write_text(source, "utf-8")


def test_the_cache_on_a_server_keeps_its_deadlines(tmp_path: Path) -> None:
    """Whether its server answers or not, and what was not answered may have been done."""
    (source,) = (one for one in blocks("python") if one.startswith("# myserver.py\n"))
    (tmp_path / "myserver.py").write_text(source + OTHERS, "utf-8")
    server_harness(tmp_path)
    command = ("conform", "--backend", "test_myserver:MyServerHarness", "--faults", "--checks")

    for checks in ("G5_*", "E3_a_write_*_is_unknown", "G3_a_refused_*"):
        done = run(tmp_path, "infrastructure", *command, checks)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_harness_with_faults_on_the_page_proves_a_cache(tmp_path: Path) -> None:
    """With the Redis cache for somebody's own."""
    server_harness(tmp_path)
    own = "from infrastructure.caching.redis import RedisCache as MyServerCache\n"
    (tmp_path / "myserver.py").write_text(own, "utf-8")
    command = ("conform", "--backend", "test_myserver:MyServerHarness", "--checks", "G6_*")
    done = run(tmp_path, "infrastructure", *command, "--faults")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MyServerHarness, level core: all 5 checks passed, " in done.stdout
    assert (
        "no check applies, 5 more by --faults, " in run(tmp_path, "infrastructure", *command).stdout
    )


def test_the_entry_points_on_the_page_register_the_scheme(folder: Path) -> None:
    """``open_cache`` makes the cache, ``infrastructure conform mine://`` proves it."""
    groups = tomllib.loads(blocks("toml")[0])["project"]["entry-points"]
    info = folder / "mycache-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mycache\nVersion: 1.0\n", "utf-8")
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines), "utf-8")
    done = run(folder, "infrastructure", "conform", "mine://", "--checks", "C[13]_*")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "caching, mine://, level core: all " in done.stdout
    opened = "from infrastructure import open_cache; print(type(open_cache('mine://')).__name__)"
    (folder / "opened.py").write_text(opened, "utf-8")
    assert run(folder, "opened").stdout == "MyCache\n"


def test_the_files_and_the_names_on_the_page_exist() -> None:
    """Links point to files, and what is said to be in the kit is there."""
    for link in re.findall(r"\]\((\.\./[^)]+)\)", PAGE):
        assert (ROOT / "docs" / "how-to" / link).is_file(), link

    for kit in re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE):
        assert hasattr(__import__("infrastructure.backends").backends, kit), kit


def test_the_example_is_as_long_as_is_said() -> None:
    """In the README, in its translation and on the page."""
    lines = len((ROOT / "examples" / "duckdb_storage.py").read_text("utf-8").splitlines())
    assert f"DuckDB in {lines} lines" in PAGE
    assert f"DuckDB in {lines} lines" in README
    persian = str(lines).translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    assert f"در {persian} خط" in (ROOT / "README.fa.md").read_text("utf-8")
