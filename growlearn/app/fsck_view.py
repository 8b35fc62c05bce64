"""What fsck found, as plain data with documented keys."""

from __future__ import annotations

from typing import Any

from growlearn.app.fsck import Inspection


def inspection_view(inspection: Inspection) -> dict[str, Any]:
    """Damage and unreferenced files, each one by one."""
    return {
        "sound": inspection.is_sound,
        "streams": inspection.streams,
        "references": inspection.references,
        "removed": inspection.removed,
        "files": inspection.files,
        "bytes": inspection.bytes_read,
        "damage": [
            {
                "kind": damage.kind.value,
                "message": damage.message,
                "hint": damage.hint,
                "stream": damage.stream,
                "sha256": damage.sha256,
            }
            for damage in inspection.damage
        ],
        "unreferenced": [
            {"path": file.path, "bytes": file.size_bytes, "sha256": file.sha256}
            for file in inspection.unreferenced
        ],
    }
