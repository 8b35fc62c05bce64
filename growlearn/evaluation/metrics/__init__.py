"""Metrics of stored predictions beyond accuracy, one file per metric."""
