"""How one sync job is claimed, run, kept alive and ended."""
