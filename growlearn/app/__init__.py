"""What people touch, and the one place where the parts are put together."""
