"""What is wrong with this installation, and the cure: one file a concern, their tables in `checks`."""
