"""What tests/load/bench-peers needs: the peers, and how they are measured beside us."""
