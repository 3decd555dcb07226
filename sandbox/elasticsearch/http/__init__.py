"""A call and its answer, free of sockets: what a handler gets and gives, and how a path finds one."""

from sandbox.elasticsearch.http.request import Answer, Effect, Request
from sandbox.elasticsearch.http.routing import Body, Handler, Match, Route, Router, check_call

__all__ = ["Answer", "Body", "Effect", "Handler", "Match", "Request", "Route", "Router", "check_call"]
