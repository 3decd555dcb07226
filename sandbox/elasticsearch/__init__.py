"""An Elasticsearch double with real state: the part of the server that a connector service touches."""

from sandbox.elasticsearch.security import Role, Security, User
from sandbox.elasticsearch.server import Server, serve

__all__ = ["Role", "Security", "Server", "User", "serve"]
