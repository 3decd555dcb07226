"""From columns to the SQL that renders ids, hashes and JSON documents, and to their mapping."""
