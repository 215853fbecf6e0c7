"""Apache Kafka from Maven Central, installed once: its jars, loaded classes, a formatted folder."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infrastructure.testing import ServerProcess, accepts

from . import installation
from .commands import found, run
from .installation import INSTALLED, digest
from .kafka_settings import lines, settings
from .ports import HOST, free_port

__all__ = ["FORMATTED", "command", "format_folder", "installed", "maven", "missing"]

_SOURCES = Path(__file__).parent / "kafka"
_SUMS = "libs.sha256"
_FILES = ("pom.xml", "log4j2.properties", _SUMS)

FORMATTED = "formatted"
"""The folder of a broker that never ran, in the installed one."""

# It starts in half the time with its classes from an archive and one compiler, and takes half the
# memory. What a killed JVM would leave in the common folder of temporary files, it does not write.
_ARCHIVE = "classes.jsa"
_JVM = (
    "-Xmx192m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Dlog4j2.configurationFile=log4j2.properties",
    "-Dlog4j2.disableJmx=true",
)
_MAVEN = ("--batch-mode", "--quiet", "--strict-checksums")


def command(scratch: Path, *arguments: str) -> list[str]:
    """Return what runs one of its classes, in the installed folder; it may write to ``scratch``."""
    return _java(f"-XX:SharedArchiveFile={_ARCHIVE}", scratch, arguments)


def format_folder(settings_file: Path, cluster: str, *options: str) -> None:
    """Prepare the folder that the settings name, as Kafka's own tool does."""
    _run(_formatting(settings_file, cluster, options), installed())


def installed() -> Path:
    """Return the folder with the broker, which is filled once for each version of Java."""
    return installation.installed(_name(), _install)


def missing() -> str | None:
    """Return what this machine lacks for a broker: Java, or the Maven that would install it."""
    if shutil.which("java") is None:
        return "Java"

    return None if (INSTALLED / _name()).is_dir() or shutil.which("mvn") else "Maven"


def _name() -> str:
    parts = [(_SOURCES / name).read_bytes() for name in _FILES]
    return f"kafka-{digest([*parts, Path(__file__).read_bytes(), _java_release()])}"


def _install(new: Path, scratch: Path) -> None:
    for name in _FILES:
        shutil.copy(_SOURCES / name, new)

    _download(new, scratch / "repository")
    _train(new, scratch)


def _download(new: Path, repository: Path) -> None:
    """Fetch the jars: two runs at once may not share Maven's own repository."""
    goal = "dependency:copy-dependencies"
    options = [f"-Dmaven.repo.local={repository}", f"-DoutputDirectory={new / 'libs'}"]
    _run([maven(), *_MAVEN, *options, goal], new)
    found = {(_sum(path), path.name) for path in (new / "libs").iterdir()}
    known = {tuple(line.split()) for line in (new / _SUMS).read_text().splitlines()}

    if found != known:
        names = sorted({name for _, name in found ^ known})
        msg = f"what Maven brought for Kafka is not what {_SOURCES / _SUMS} tells: {names}"
        raise RuntimeError(msg)


def _train(new: Path, scratch: Path) -> None:
    """Format a folder, and run a broker once to write down which classes it loads."""
    # From here on relative: the folder is moved, and the archive knows the jars by their path.
    paths = ":".join(f"libs/{path.name}" for path in sorted((new / "libs").iterdir()))
    (new / "java.args").write_text(f"-cp {paths}\n")
    port, controller = free_port(), free_port()
    made = settings(
        scratch / "data",
        {"CLIENTS": port, "INTERNAL": free_port(), "CONTROLLER": controller},
        controllers={1: controller},
    )
    file = scratch / "server.properties"
    file.write_text(lines(made))
    _run(_formatting(file, "trained", ()), new)
    shutil.copytree(scratch / "data", new / FORMATTED)
    process = ServerProcess(
        _java(f"-XX:ArchiveClassesAtExit={_ARCHIVE}", scratch, ["kafka.Kafka", str(file)]),
        ready=accepts(HOST, port),
        folder=new,
    )

    # In a thread of its own: here an event loop may run already.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, _run_once(process)).result()

    if not (new / _ARCHIVE).is_file():
        msg = "Java has written no archive of Kafka's classes: is it older than 17?"
        raise RuntimeError(msg)


async def _run_once(process: ServerProcess) -> None:
    await process.start(within=120)
    await process.stop(within=120)


def _formatting(settings_file: Path, cluster: str, options: Sequence[str]) -> list[str]:
    arguments = ["format", "--config", str(settings_file), "--cluster-id", cluster, *options]
    return _java("-Xshare:auto", settings_file.parent, ["kafka.tools.StorageTool", *arguments])


def _java(archive: str, scratch: Path, arguments: Sequence[str]) -> list[str]:
    temporary = f"-Djava.io.tmpdir={scratch}"
    return [_found("java"), *_JVM, archive, temporary, "@java.args", *arguments]


def _java_release() -> bytes:
    """Return what tells one Java from another: the archive is for that one."""
    home = Path(_found("java")).resolve().parents[1]
    release = home / "release"
    return release.read_bytes() if release.is_file() else str(home).encode()


def maven() -> str:
    """Return where Maven is."""
    return _found("mvn")


def _found(name: str) -> str:
    remedy = (
        "install Java 17 or newer and Maven (Debian: openjdk-17-jre-headless, maven),"
        " or name a broker by KAFKA_BOOTSTRAP_SERVERS"
    )
    return found(name, "Kafka", remedy)


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run(arguments: list[str], folder: Path) -> None:
    # The arguments may hold a password.
    run(Path(arguments[0]).name, arguments, cwd=folder)
