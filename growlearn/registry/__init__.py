"""From candidate to champion and back: rules only, and delivery to the tracker."""
