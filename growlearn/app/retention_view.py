"""What retention removes, as plain data with documented keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from growlearn.app.retention import Removal


def removals_view(removals: Sequence[Removal], *, applied: bool) -> dict[str, Any]:
    """What was, or would be, removed, with documented keys."""
    return {
        "applied": applied,
        "streams": [
            {
                "stream": removal.retention.stream,
                "kept_versions": list(removal.retention.kept_versions),
                "expired_versions": list(removal.retention.expired_versions),
                "expired_windows": list(removal.retention.expired_windows),
                "files": list(removal.files),
                "too_new": len(removal.too_new),
                "removed_before": removal.removed_before,
            }
            for removal in removals
        ],
    }
