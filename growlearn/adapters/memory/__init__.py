"""The shipped in-memory twin of each port, and the clocks."""
