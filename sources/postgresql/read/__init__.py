"""Reading one relation: completely and under one snapshot, or not at all."""
