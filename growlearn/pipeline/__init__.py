"""One cycle of one window through all stages; `run` is the page that calls the steps."""
