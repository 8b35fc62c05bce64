"""Scheduling with APScheduler 3: it says when to check, and every tick is claimed in the store."""
