"""Sync rules: advanced rules as queries, and basic rules as SQL conditions."""
