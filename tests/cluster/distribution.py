"""Elastic's distribution for tests, fetched by its Maven coordinates and made ready to start.

It is the server with its network and security, but without modules: no connector API, no ingest processors,
no scripts, no `*_by_query`, no `scaled_float`. Maven keeps it in its own cache; nothing is left elsewhere.
"""

import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.maven import UnavailableError, fetched, run

VERSIONS = ("8.19.21", "9.3.2")
"""The last 8, which most clusters are or were, and a 9."""
COORDINATES = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:{}:zip"
JAVA_FOLDER = Path("/usr/lib/jvm")
"""Where systems put every Java they have, beside the one on the path."""
TEMPORARY = "temporary"
PLUGIN = Path(__file__).with_name("SecurityAnalysis.java")

CLUSTER_NAME = "disposable"
"""What the cluster is called; only one of this name may be emptied by a test."""

_SETTINGS = f"""\
cluster.name: {CLUSTER_NAME}
discovery.type: single-node
http.host: 127.0.0.1
http.port: 0
transport.host: 127.0.0.1
transport.port: 0
xpack.security.enabled: true
xpack.security.http.ssl.enabled: false
xpack.security.transport.ssl.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
"""
IN_PARTS = """\
rest.incremental_bulk: true
indexing_pressure.memory.split_bulk.watermark.low: 0b
indexing_pressure.memory.split_bulk.watermark.low.bulk_size: 1mb
"""
"""Settings with which bulk requests are carried out in parts of 1 MB, as by a server under pressure."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """An unpacked server and the Java that runs it."""

    version: str
    home: Path
    java_home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What its programs are told: their Java, their memory, and to write nowhere else."""
        temporary = str(self.home / TEMPORARY)
        return {
            **os.environ,
            "HOME": str(self.home),
            "ES_JAVA_HOME": str(self.java_home),
            "ES_TMPDIR": temporary,
            "ES_JAVA_OPTS": "-Xms1g -Xmx1g -XX:-UsePerfData",
            "CLI_JAVA_OPTS": f"-Djava.io.tmpdir={temporary} -XX:-UsePerfData",
        }


def prepare(version: str, folder: Path, *, password: str, data: Path, settings: str) -> Distribution:
    """Fetch and unpack a version below a folder, with these settings and a password for the user `elastic`.

    Raises UnavailableError.
    """
    java_home = _java_home(version)
    archive = fetched(COORDINATES.format(version), folder)
    distribution = Distribution(version, _unpacked(archive, folder), java_home)
    (distribution.home / TEMPORARY).mkdir()
    (distribution.home / "config/elasticsearch.yml").write_text(f"{_SETTINGS}{settings}path.data: {data}\n")
    _build_plugin(distribution)
    keystore = str(distribution.home / "bin/elasticsearch-keystore")
    run(
        [keystore, "add", "--stdin", "--force", "bootstrap.password"],
        environment=distribution.environment,
        stdin=password,
    )
    return distribution


def _java_home(version: str) -> Path:
    """Return the oldest JDK that is new enough: a server may refuse to start with one made after it."""
    on_path = shutil.which("javac")
    programs = [Path(os.path.realpath(on_path))] if on_path else []
    programs += sorted(JAVA_FOLDER.glob("*/bin/javac"))
    found = {program.parents[1]: _java_version(program) for program in programs}
    fitting = [home for home in found if found[home] >= _oldest_java(version)]
    if not fitting:
        there = ", ".join(map(str, sorted(found.values()))) or "none"
        raise UnavailableError(f"it needs a JDK {_oldest_java(version)} or newer, and here is {there}.")
    return min(fitting, key=lambda home: found[home])


def _oldest_java(version: str) -> int:
    return 17 if version.startswith("8.") else 21


def _java_version(javac: Path) -> int:
    """Return the major version of a compiler, 0 if it does not say one."""
    answer = subprocess.run([str(javac), "-version"], capture_output=True, text=True, check=False)
    found = re.search(r"javac (\d+)", answer.stdout + answer.stderr)
    return int(found[1]) if found else 0


def _unpacked(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    archive.unlink()
    home = folder / archive.stem
    for program in (home / "bin").iterdir():
        program.chmod(0o755)  # the archive's own permissions are not restored
    return home


def _build_plugin(distribution: Distribution) -> None:
    folder = distribution.home / "plugins/security-analysis"
    folder.mkdir(parents=True)
    javac = str(distribution.java_home / "bin/javac")
    run([javac, "-nowarn", "-cp", f"{distribution.home}/lib/*", "-d", str(folder), str(PLUGIN)])
    classes = sorted(folder.glob("*.class"))
    with zipfile.ZipFile(folder / "security-analysis.jar", "w") as jar:
        for file in classes:
            jar.write(file, file.name)
    for file in classes:
        file.unlink()
    (folder / "plugin-descriptor.properties").write_text(
        "name=security-analysis\n"
        "description=What the index of API keys is analyzed with\n"
        "version=1\n"
        f"elasticsearch.version={distribution.version}\n"
        f"java.version={_oldest_java(distribution.version)}\n"
        f"classname={PLUGIN.stem}\n"
    )
