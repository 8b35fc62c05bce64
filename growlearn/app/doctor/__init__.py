"""Checks of this installation, and fixes for what they find: one file per check, listed in `checks`."""
