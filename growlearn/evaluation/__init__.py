"""A candidate model on every task's hold-out rows, and the gates it must pass."""
