"""Searching: what a search asks for, which documents it finds, in which order, and how they are shown."""

from sandbox.elasticsearch.search.contexts import Contexts, Scroll
from sandbox.elasticsearch.search.positional import is_positional
from sandbox.elasticsearch.search.search_body import SearchBody
from sandbox.elasticsearch.search.selection import check_window, select, select_all
from sandbox.elasticsearch.search.sorting import Sort
from sandbox.elasticsearch.search.views import Hit, Selection, View

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
