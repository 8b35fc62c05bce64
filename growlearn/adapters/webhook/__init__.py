"""Alerts to the address that somebody has given for them."""
