"""What a cycle needs from outside. Each port has an in-memory implementation in `adapters/memory`."""

from growlearn.ports.alert_queue import AlertQueue
from growlearn.ports.api_records import ApiRecords
from growlearn.ports.artifacts import Artifacts, RemovableArtifacts
from growlearn.ports.canary_records import CanaryRecords
from growlearn.ports.clock import Clock
from growlearn.ports.engine import Engine, ProgressCallback
from growlearn.ports.evaluator import EvalRequest, Evaluator
from growlearn.ports.outbox import Outbox
from growlearn.ports.source import Source
from growlearn.ports.store import Store
from growlearn.ports.tracker import Tracker, WindowReport

__all__ = [
    "AlertQueue", "ApiRecords", "Artifacts", "CanaryRecords", "Clock", "Engine", "EvalRequest", "Evaluator",
    "Outbox", "ProgressCallback", "RemovableArtifacts", "Source", "Store", "Tracker", "WindowReport",
]  # fmt: skip
