"""Content-addressed files, on this machine or on any fsspec file system."""
