"""APScheduler 3 behind a thin edge: it tells when to look, and every tick is claimed in the record."""
