"""Deletion: which documents are stale, how many may go, and whether the index then holds what it should."""
