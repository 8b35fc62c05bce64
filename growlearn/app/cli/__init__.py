"""The commands people type, one file a group; each imports what it needs when it runs."""
