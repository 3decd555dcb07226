"""Following, by the log and by polling: a table that changes, a process that follows, a sink that counts."""
