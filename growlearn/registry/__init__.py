"""From candidate to champion and back: rules only, and what the tracker is told."""
