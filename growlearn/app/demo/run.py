"""Runs the demo: for each file, what the drift stage reports and what is trained."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

from growlearn.app.apply_job import apply_job
from growlearn.app.cli.accuracy_matrix import show_matrix
from growlearn.app.cli.inspect import show_lineage, show_versions
from growlearn.app.cli.output import echo, echo_error, percent_or_dash
from growlearn.app.composition import open_store
from growlearn.app.demo.digits import BATCHES, deliver_file
from growlearn.app.demo.home import find_bundled_job
from growlearn.app.jobfile import read_job
from growlearn.app.mlflow_sync import sync_mlflow
from growlearn.app.run_until_idle import run_until_idle
from growlearn.app.views import get_accuracy_matrix, lineage_view, versions_view
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.evaluation import Evaluation
from growlearn.domain.growth import GrowthResult
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.model_selection import ModelSelection
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.ports import Store
from growlearn.settings import Settings

_INTRODUCTION = """\
GrowLearn keeps a deployed classifier up to date. Here it starts without a model and gets real
handwritten digits, file by file. No column says which scanner a digit came from: the drift
detector has to find out. Earlier branches are frozen and stay unchanged, to the last bit.
"""

_VERDICT_TEXTS = {
    Verdict.FIRST: "the first window",
    Verdict.STABLE: "nothing has changed",
    Verdict.WARN: "something may be changing, not enough to act",
    Verdict.DRIFT: "DRIFT: these digits are unlike every known task",
    Verdict.NEW_TASK: "a new task",
    Verdict.KNOWN_TASK: "a known task again",
    Verdict.INCONCLUSIVE: "too little data to decide",
    Verdict.FULL: "the branch budget is used up",
}


def run_demo(settings: Settings, stop: threading.Event) -> None:
    """Deliver every file and run the stream on it; raises Interrupted where `stop` was set."""
    started_s = time.monotonic()
    job_file = settings.home / "digits.yaml"
    shutil.copyfile(find_bundled_job(), job_file)
    job = read_job(job_file, settings.home)
    store = open_store(settings)
    apply_job(store, job)
    echo(_INTRODUCTION)
    for index, batch in enumerate(BATCHES):
        echo(f"{index + 1}. {batch.description} ({batch.name})")
        _show_window(_deliver_and_run(index, job, settings, store, stop), store)
    _show_end(job, settings, store)
    echo(f"The story took {time.monotonic() - started_s:.0f} s.")


def _deliver_and_run(index: int, job: Job, settings: Settings, store: Store, stop: threading.Event) -> Window:
    assert isinstance(job.source, SourceConfig), "the demo watches a folder"
    file = deliver_file(index, Path(job.source.url))
    stop.wait(job.source.min_file_age_s + 0.1)  # a file changed just now may still be being written
    summary = run_until_idle(job.name, settings, store, stop)
    sync_mlflow(settings, store, job.name, echo_error)
    if not summary.windows:
        raise GrowLearnError(f"{file} did not become a window", hint=f"look at: {settings.home}")
    return summary.windows[-1]


def _show_window(window: Window, store: Store) -> None:
    record = store.window_record(window.stream, window.id)
    if record.report is not None:
        echo(f"   {_VERDICT_TEXTS[record.report.verdict]}: {record.report.reason}")
    if isinstance(record.result, GrowthResult) and record.evaluation is not None:
        echo(f"   {_growth_text(record.result, record.evaluation)}")
    if record.model_selection is not None:
        echo(f"   {_selection_text(record.model_selection)}")
    if window.state is WindowState.SKIPPED:
        echo("   nothing is grown; the model stays unchanged")
    else:
        echo(f"   {window.state.value}: {str(window.reason).partition(';')[0]}")
    echo("")


def _growth_text(result: GrowthResult, evaluation: Evaluation) -> str:
    branch_ids, accuracy_after = (
        ", ".join(branch.id for branch in result.branches),
        evaluation.accuracy(evaluation.task),
    )
    verb = "grew" if evaluation.opens_task else "refined it: grew"
    action = (
        f"{verb} {branch_ids} for {evaluation.task}"
        if branch_ids
        else f"gave {evaluation.task} a head of its own"
    )
    text = f"{action} in {result.seconds:.0f} s: {percent_or_dash(accuracy_after)} accuracy on hold-out rows"
    if len(evaluation.task_scores) == 1:
        return text  # the first branch has nothing to compare with
    return f"{text}, {percent_or_dash(evaluation.initial.accuracy)} before"


def _selection_text(selection: ModelSelection) -> str:
    candidates = ", ".join(
        f"{candidate.kind} {percent_or_dash(candidate.task_score.accuracy)}"
        for candidate in selection.candidates
    )
    return f"selected, the cheapest that no other beats by the test: {selection.selected} ({candidates})"


def _show_end(job: Job, settings: Settings, store: Store) -> None:
    echo("Accuracy matrix, per cent of hold-out rows (rows: after growing; columns: task)")
    show_matrix(get_accuracy_matrix(store, job.name, None))
    echo("")
    echo("Branches, each frozen after its training")
    show_lineage(job.name, lineage_view(store, job.name)["branches"])
    echo("")
    show_versions(versions_view(store, job.name)["versions"])
    echo("Where to look next")
    echo(f"  export GROWLEARN_HOME={settings.home}")
    last = settings.home / "digits" / "incoming" / BATCHES[-1].name
    for command in (
        f"growlearn windows {job.name}",
        f"growlearn why {job.name} 2",
        f"growlearn drift {job.name} w3",
        f"growlearn evaluate {job.name} --prequential",
        f"growlearn predict {job.name} {last}",
        f"growlearn rollback {job.name}",
        f"mlflow ui --backend-store-uri {settings.mlflow_tracking_uri}",
    ):
        echo(f"  {command}")
