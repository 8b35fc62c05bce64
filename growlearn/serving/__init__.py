"""Predictions of a stream's champion, or of any other version."""
