"""The parts of the state machine test: time that jumps, workers that step, tables, and what must hold."""
