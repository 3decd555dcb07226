"""PgBouncer in transaction mode between the source and its server, if the environment asks for it."""

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from sandbox.postgresql import Cluster

VARIABLE: Final = "PGBOUNCER"
"""If set, every source of the tests reaches its server through PgBouncer."""
START_SECONDS = 30
CONNECTIONS = 4
"""Of a database, however many clients there are."""

_ports: dict[int, int] = {}


def port_of(cluster: Cluster) -> int:
    """Return where a source reaches this server: its own port, or that of its PgBouncer, which is started."""
    if VARIABLE not in os.environ:
        return cluster.port
    if cluster.port not in _ports:
        _ports[cluster.port] = _started(cluster)
    return _ports[cluster.port]


def _started(cluster: Cluster) -> int:
    with socket.socket() as probe:
        probe.bind((cluster.host, 0))
        port = int(probe.getsockname()[1])
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "users").write_text(f'"{cluster.user}" "{cluster.password}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={cluster.host} port={cluster.port}\n"
        f"[pgbouncer]\nlisten_addr = {cluster.host}\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = scram-sha-256\nauth_file = {folder}/users\nauth_user = {cluster.user}\n"
        f"pool_mode = transaction\ndefault_pool_size = {CONNECTIONS}\nmax_client_conn = 500\n"
        # The tests create roles of one name again and again.
        "server_idle_timeout = 1\nlog_connections = 0\nlog_disconnections = 0\n"
    )
    owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    if owner is not None:
        for path in (folder, *folder.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["pgbouncer", str(folder / "pgbouncer.ini")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=None if owner is None else owner.pw_uid,
            group=None if owner is None else owner.pw_gid,
            start_new_session=True,
        )
    atexit.register(process.send_signal, signal.SIGTERM)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as connection:
            if connection.connect_ex((cluster.host, port)) == 0:
                return port
        time.sleep(0.05)
    raise RuntimeError(f"PgBouncer did not start:\n{(folder / 'log').read_text()}")
