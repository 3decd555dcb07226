"""Which rows of which table changed, as the server's log tells it while it happens: logical replication."""
