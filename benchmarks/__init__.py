"""Measure whole syncs against the fastest loop that could do the same work.

The package is cut into: `python -m benchmarks` (the command), `scenarios` (one function a figure), `engine` and
`yardstick` (the two contestants, each run in a fresh child process), `sink` (a process that answers like
Elasticsearch and stores nothing), `datasets` (tables made by SQL), and `figures` (medians, ratios, tables of text).
"""
