"""The name of this process among all workers, ever."""

import os
import secrets
import socket


def worker_name() -> str:
    """Return a name no other worker has or had: host, process, and a token for when both come again."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
