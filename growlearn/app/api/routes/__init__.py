"""The routes, one file a subject; each adds its own with `add_routes`."""
