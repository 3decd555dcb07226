"""JSON as the server reads and writes it: exact numbers, positions in a text, cut-down answers."""

from sandbox.elasticsearch.json.reading import parse_json, token_of

__all__ = ["parse_json", "token_of"]
