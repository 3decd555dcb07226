"""The kinds of sync, a module each, and the steps they share: continuation, reconciliation, conclusion."""
