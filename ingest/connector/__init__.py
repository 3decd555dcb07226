"""One connector's tick: check-in, registration of its schema, checks of its source, due jobs."""
