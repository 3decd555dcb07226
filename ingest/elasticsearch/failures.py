"""What to say of a request that got no answer: what failed, why, and what a person can do about it. Pure."""

import ssl
from typing import Final

_WRONG_NAMES: Final = {62, 64}
"""What OpenSSL calls a certificate for another host name, or for another address."""
_WRONG_TIMES: Final = {9, 10}
"""What OpenSSL calls a certificate that is not valid yet, or not any more."""
_FIRST_QUESTION: Final = "GET /"


def of_certificate(host: str, error: Exception) -> str:
    """Say why a certificate was not accepted."""
    code = getattr(error, "verify_code", None)
    reason = str(getattr(error, "verify_message", None) or error).rstrip(".")
    if code in _WRONG_NAMES:
        remedy = "Write a name into elasticsearch.host that the certificate holds"
    elif code in _WRONG_TIMES:
        remedy = "Give Elasticsearch one that is valid now, or set the clock of this machine"
    else:
        remedy = "Set elasticsearch.ca_certs to the authority that signed it"
    return f"The certificate of {host} was not accepted: {reason}. {remedy}."


def of_connecting(host: str, request: object, error: BaseException) -> str:
    """Say why there is no connection."""
    if isinstance(error, ssl.SSLError):
        reason = f"no TLS was agreed on ({error.reason or error})"
        remedy = "if it speaks plain HTTP, write http:// in elasticsearch.host"
    else:
        reason = "connection refused" if isinstance(error, ConnectionRefusedError) else _reason(error)
        remedy = "check elasticsearch.host, and that Elasticsearch runs there"
    return f"{host} cannot be reached for {request}: {reason}; {remedy}."


def of_answer(host: str, request: object, error: BaseException) -> str:
    """Say why a connection that was made brought no usable answer."""
    is_first = str(request) == _FIRST_QUESTION and host.startswith("http:")
    hint = "; if it speaks TLS, write https:// in elasticsearch.host" if is_first else ""
    return f"{host} gave no usable answer to {request}: {_reason(error)}{hint}."


def _reason(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text or type(error).__name__
