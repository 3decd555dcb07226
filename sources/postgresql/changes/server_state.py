"""The state a server is in, by its transactions: while none that wrote anything ends, no table changes.

Of transactions that write, a snapshot says where their numbers are and which of them still run. One that ends
either leaves the list or, its number being the highest so far, raises the end. So equal snapshots of one life
of a server see the same rows; the settings of a session and the passing of time are not among them, for which
reason this says nothing about views. A standby lists no running transactions and cannot tell.
"""

STATE = """
SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
           concat(pg_catalog.txid_current_snapshot(), ' ', pg_catalog.pg_postmaster_start_time(), ' ',
                  b.stats_reset, ' ', a.stats_reset)
       END
FROM pg_catalog.pg_stat_bgwriter b, pg_catalog.pg_stat_archiver a
"""
"""The moments at which statistics began are part of it, for a crash throws them away; see `positions`."""
