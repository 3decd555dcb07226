"""Measure whole syncs against the fastest loop that could do the same work.

python -m benchmarks [NAME]
  └── scenarios/       one function a benchmark: who runs over which table, and what must be reached
        ├── figures    medians, ratios, tables of text
        └── arena      the place: an embedded PostgreSQL, datasets (tables made by SQL), the sink
              ├── sink      a process that answers like Elasticsearch (answers, remembered) and stores nothing
              └── runner    a fresh process a run: the engine, the yardstick beside it, probes
"""
