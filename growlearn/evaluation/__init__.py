"""Evaluation: scores of a candidate on every task's hold-out rows, metrics, and the promotion gates."""
