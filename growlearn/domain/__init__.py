"""The words of GrowLearn as frozen dataclasses; standard library only."""
