"""How the process lives: its loops, their pace, the preflight, and cleaning up after dead workers."""
