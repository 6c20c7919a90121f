"""What tests/load/bench measures: one function per row, by topic."""
