"""The state a server is in, by its transactions: while none that wrote anything ends, no table changes.

Of transactions that write, a snapshot says where their numbers are and which of them still run. One that ends
either leaves the list or, its number being the highest so far, raises the end. So equal snapshots of one life
of a server see the same rows; the settings of a session and the passing of time are not among them, for which
reason this says nothing about views.

A standby lists no running transactions. What it shows changes only by records of the primary's log that it
replays, and how far it has come is told once a record is replayed: while that is the same, nothing can have
been missed by who looked after asking. The readers of Aurora share the storage and replay no log.
"""

STATE = """
SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
           concat(pg_catalog.txid_current_snapshot(), ' ', pg_catalog.pg_postmaster_start_time(), ' ',
                  b.stats_reset, ' ', a.stats_reset)
       WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE proname = 'aurora_version') THEN
           'standby ' || NULLIF(pg_catalog.pg_last_wal_replay_lsn()::text, '0/0') || ' '
               || pg_catalog.pg_postmaster_start_time()::text
       END
FROM pg_catalog.pg_stat_bgwriter b, pg_catalog.pg_stat_archiver a
"""
"""The moments at which statistics began are part of it, for a crash throws them away; see `positions`.

`||` where there may be nothing to tell: with `concat` that would be the same text for ever.
"""
