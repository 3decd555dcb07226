"""The files a configuration is made of: the file itself, files that hold one secret, trusted certificates."""

import os
import ssl
from pathlib import Path
from stat import S_IRGRP, S_IROTH, S_ISDIR, S_ISREG, S_IWGRP, S_IWOTH

LARGEST_CONFIG_BYTES = 1024 * 1024
LARGEST_SECRET_BYTES = 64 * 1024


class FileError(ValueError):
    """The file cannot be used; the message says why, without repeating its content."""


def read_text(path: Path, largest_bytes: int) -> str:
    """Read a small regular UTF-8 file, with or without a byte order mark. Never waits, never reads on."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # opening a FIFO without a writer would wait
        with open(descriptor, "rb") as stream:  # noqa: PTH123 - a descriptor, not a path
            mode = os.fstat(descriptor).st_mode
            if not S_ISREG(mode):
                raise FileError("is a directory" if S_ISDIR(mode) else "is not a regular file")
            content = stream.read(largest_bytes + 1)
    except IsADirectoryError:
        raise FileError("is a directory") from None
    except (OSError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"cannot be read: {getattr(error, 'strerror', None) or error} ({path})") from error
    if len(content) > largest_bytes:
        raise FileError(f"is larger than {largest_bytes // 1024} KiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"is not UTF-8 text (see byte {error.start}); save it as UTF-8") from None


def read_secret(path: Path) -> str:
    """Return what the file holds, without the line break at its end."""
    return read_text(path, LARGEST_SECRET_BYTES).removesuffix("\n").removesuffix("\r")


def is_open_to_others(path: Path) -> bool:
    """Tell whether users other than the file's owner can read or change it."""
    try:
        return bool(path.stat().st_mode & (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH))
    except OSError:
        return False


def check_certificates(path: Path) -> None:
    """Raise FileError unless the file holds certificates in PEM form."""
    content = read_text(path, LARGEST_CONFIG_BYTES)
    if "-----BEGIN CERTIFICATE-----" not in content:
        holds_key = "PRIVATE KEY-----" in content
        raise FileError("holds a private key, not certificates" if holds_key else "holds no PEM certificate")
    try:
        ssl.create_default_context(cadata=content)
    except (ssl.SSLError, ValueError) as error:
        raise FileError("holds a certificate that cannot be read") from error
