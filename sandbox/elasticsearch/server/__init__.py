"""The running server: its socket, the way of a call to its handler, scripted faults, the journal."""

from sandbox.elasticsearch.server.server import Server, serve

__all__ = ["Server", "serve"]
