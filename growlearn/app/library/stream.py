"""One stream of a home folder, driven from Python."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow.parquet as pq

from growlearn.adapters.sources.deposit import choose_name_by_content, deposit_file
from growlearn.app.apply_job import Allowed, apply_job_file
from growlearn.app.composition import (
    build_local_ports,
    open_artifacts,
    open_process_device,
    open_store,
    system_clock,
)
from growlearn.app.decisions import (
    Decision,
    decide_promotion,
    decide_rollback,
    get_promotion_target,
    store_decision,
)
from growlearn.app.library.columns import Features, to_table
from growlearn.app.views import get_accuracy_matrix
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import SourceConfig
from growlearn.pipeline.run import run_stream
from growlearn.pipeline.verify import find_refusal
from growlearn.registry.version_tree import get_version
from growlearn.serving.frame_rows import read_known_rows
from growlearn.serving.predictor import Predictor
from growlearn.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from growlearn.domain.evaluation import AccuracyMatrix
    from growlearn.domain.job import Job
    from growlearn.domain.lineage import Version
    from growlearn.domain.window import Window

_ACTOR = "a Python program"
_CLOCK_STEP_S = 0.1  # times of files are coarser than the clock
_PLACES = ("GROWLEARN_DATABASE_URL", "GROWLEARN_ARTIFACTS_URL", "GROWLEARN_MLFLOW_TRACKING_URI")


class Stream:
    """A stream of a home folder: the same record, files and rules as `growlearn` on the command line.

    A `home` holds database and files, whatever the environment names; None reads the settings of this
    process. Training runs in this process. What MLflow is to learn waits in the record for the next
    `growlearn run` or worker.
    """

    def __init__(self, name: str, home: Path | str | None = None) -> None:
        """Open a stream; raises NotFound where the home has none of that name."""
        self.name = name
        self._settings = _read_settings(home)
        self._store = open_store(self._settings)
        self._predictor: Predictor | None = None
        self._store.stream(name)

    @classmethod
    def create(cls, job_file: Path | str, home: Path | str | None = None) -> Stream:
        """Apply a job file, as `growlearn apply` does, and open its stream; raises JobError."""
        settings = _read_settings(home)
        allowed = Allowed.by(settings)
        applied = apply_job_file(
            open_store(settings), Path(job_file), lambda: open_artifacts(settings), allowed
        )
        return cls(applied.stream.name, home)

    @property
    def job(self) -> Job:
        """The job as it is applied now."""
        return self._store.stream(self.name).job

    @property
    def champion(self) -> int | None:
        """The number of the version that answers; None before the first."""
        return self._store.stream(self.name).champion

    def require_champion(self) -> int:
        """The number of the version that answers; raises GrowLearnError where there is none yet."""
        champion = self.champion
        if champion is None:
            raise GrowLearnError(
                f"stream {self.name!r} has no champion yet", hint="give it a first window with labels"
            )
        return champion

    @property
    def windows(self) -> Sequence[Window]:
        """All windows in order, with state, verdict and reason."""
        return self._store.windows(self.name)

    @property
    def versions(self) -> Sequence[Version]:
        """All versions in order."""
        return self._store.versions(self.name)

    def matrix(self, version: int | None = None) -> AccuracyMatrix:
        """The accuracy on each task after each growth, of the champion or of a version."""
        return get_accuracy_matrix(self._store, self.name, version)

    def learn(self, rows: Features) -> tuple[Window, ...]:
        """Store labelled rows as a file of the stream's source, and handle all that is pending.

        Returns the windows that were handled. Raises GrowLearnError where the same rows were stored before or
        the source takes no files; rows that cannot be read are quarantined, as those of any file.
        """
        sink = io.BytesIO()
        pq.write_table(to_table(rows, self.job.schema), sink)
        content, source = sink.getvalue(), self.job.source
        name = choose_name_by_content(source, "learned", content, ".parquet")
        if not deposit_file(source, name, content):
            raise GrowLearnError(
                f"stream {self.name!r} has these rows already, as {name}", hint="call run() to handle them"
            )
        if isinstance(source, SourceConfig) and source.min_file_age_s:
            time.sleep(source.min_file_age_s + _CLOCK_STEP_S)
        return self.run()

    def run(self) -> tuple[Window, ...]:
        """Take new files of the source in and handle every pending window; returns those handled."""
        ports = build_local_ports(self._settings, self._store)
        return run_stream(self.name, ports, lambda _: None).windows

    def predict(self, rows: Features, version: int | None = None, *, proba: bool = False) -> pd.DataFrame:
        """Prediction, probability (0 to 1) and task of each row, by the champion or a version.

        With `proba` there is a column `probability_CLASS` for each class too. A row that names no task is
        routed. Raises GrowLearnError naming the first row that cannot be predicted.
        """
        predictor = self._open(version)
        known = read_known_rows(to_table(rows, predictor.manifest.schema), predictor.manifest)
        index = rows.index if isinstance(rows, pd.DataFrame) else None
        return predictor.to_frame(predictor.answer(known, proba=proba), index)

    def promote(self, version: int | None = None, reason: str = "promoted by a program") -> None:
        """Make a version, or the challenger, the champion, once it is proven to answer as it did."""
        target = get_promotion_target(self._store.stream(self.name), version)
        self._move(decide_promotion(self._store, self.name, target, _ACTOR, reason, system_clock().now()))

    def rollback(self, version: int | None = None, reason: str = "rolled back by a program") -> None:
        """Return to a version, or to the champion's parent, once it is proven to answer as it did."""
        self._move(decide_rollback(self._store, self.name, version, _ACTOR, reason, system_clock().now()))

    def _move(self, decision: Decision) -> None:
        refusal = find_refusal(self._store, open_artifacts(self._settings), self.name, decision.version)
        if refusal is not None:
            raise GrowLearnError(refusal, hint="growlearn fsck says which stored files are damaged")
        store_decision(self._store, decision)

    def _open(self, number: int | None) -> Predictor:
        """The model of a version, which stays open until another is asked for."""
        number = self.require_champion() if number is None else number
        version = get_version(self.versions, number)
        if self._predictor is None or self._predictor.manifest != version.manifest:
            self._predictor = Predictor(
                version.manifest,
                open_artifacts(self._settings).get,
                self._settings.execution,
                open_process_device(self._settings),
            )
        return self._predictor


def _read_settings(home: Path | str | None) -> Settings:
    if home is None:
        return read_settings(os.environ, Path.cwd())
    folder = Path(home).expanduser().resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name not in _PLACES}
    return read_settings({**kept, "GROWLEARN_HOME": str(folder)}, folder)
