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

VERSION = "8.19.21"
COORDINATES = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
OLDEST_JAVA = 17
TEMPORARY = "temporary"
PLUGIN = Path(__file__).with_name("SecurityAnalysis.java")

_DESCRIPTOR = f"""\
name=security-analysis
description=What the index of API keys is analyzed with
version=1
elasticsearch.version={VERSION}
java.version={OLDEST_JAVA}
classname={PLUGIN.stem}
"""

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


@dataclass(frozen=True, slots=True)
class Distribution:
    """An unpacked server and the Java that runs it."""

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


def prepare(folder: Path, *, password: str, data: Path) -> Distribution:
    """Fetch and unpack it below a folder, with a password for the user `elastic` and a place for its data.

    Raises UnavailableError.
    """
    java_home = _java_home()
    distribution = Distribution(_unpacked(fetched(COORDINATES, folder), folder), java_home)
    (distribution.home / TEMPORARY).mkdir()
    (distribution.home / "config/elasticsearch.yml").write_text(f"{_SETTINGS}path.data: {data}\n")
    _build_plugin(distribution)
    keystore = str(distribution.home / "bin/elasticsearch-keystore")
    run(
        [keystore, "add", "--stdin", "--force", "bootstrap.password"],
        environment=distribution.environment,
        stdin=password,
    )
    return distribution


def _java_home() -> Path:
    missing = [name for name in ("java", "javac", "mvn") if shutil.which(name) is None]
    if missing:
        raise UnavailableError(
            f"{', '.join(missing)} not found; a JDK {OLDEST_JAVA} or newer and Maven are needed."
        )
    answer = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', answer)
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise UnavailableError(f"Java {OLDEST_JAVA} or newer is needed, not: {answer.partition(chr(10))[0]}")
    return Path(os.path.realpath(shutil.which("javac") or "")).parents[1]


def _unpacked(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    archive.unlink()
    home = folder / f"elasticsearch-{VERSION}"
    for program in (home / "bin").iterdir():
        program.chmod(0o755)  # the archive's own permissions are not restored
    return home


def _build_plugin(distribution: Distribution) -> None:
    folder = distribution.home / "plugins/security-analysis"
    folder.mkdir(parents=True)
    run(["javac", "-nowarn", "-cp", f"{distribution.home}/lib/*", "-d", str(folder), str(PLUGIN)])
    classes = sorted(folder.glob("*.class"))
    with zipfile.ZipFile(folder / "security-analysis.jar", "w") as jar:
        for file in classes:
            jar.write(file, file.name)
    for file in classes:
        file.unlink()
    (folder / "plugin-descriptor.properties").write_text(_DESCRIPTOR)
