"""Blocks of lines: their keys, their rendering, and the chunks they are cut into."""
