"""The domain model as frozen dataclasses; standard library only."""
