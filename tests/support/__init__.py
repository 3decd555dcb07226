"""What several kinds of tests use: fakes, databases, a proxy, the set-up of a sync and of a service."""
