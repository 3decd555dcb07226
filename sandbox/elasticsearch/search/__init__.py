"""Searching: what a search asks for, which documents it finds, in which order, and how they are shown."""

from sandbox.elasticsearch.search.contexts import Contexts, Scroll
from sandbox.elasticsearch.search.search_body import SearchBody
from sandbox.elasticsearch.search.selection import (
    Hit,
    Selection,
    View,
    check_window,
    is_positional,
    select,
    select_all,
)
from sandbox.elasticsearch.search.sorting import Sort

__all__ = [
    "Contexts",
    "Hit",
    "Scroll",
    "SearchBody",
    "Selection",
    "Sort",
    "View",
    "check_window",
    "is_positional",
    "select",
    "select_all",
]
