"""Comparison: what has to change, by content or by what an earlier sync left."""
