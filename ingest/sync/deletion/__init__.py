"""Deletion: which documents go, what stops it, and whether the index then holds what it should."""
