"""The local stack: how scripts/stack configures, starts, watches and stops it."""
