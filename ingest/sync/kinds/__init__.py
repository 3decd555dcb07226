"""The kinds of sync, a module each, and how one continues where an earlier one ended."""
