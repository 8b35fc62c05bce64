"""The story: what arrives, what the loop found, what it did about it."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

from growlearn.app.applying import apply_job
from growlearn.app.cli.grid import show_matrix
from growlearn.app.cli.look import show_lineage, show_versions
from growlearn.app.cli.output import percent, say, warn
from growlearn.app.composition import open_record
from growlearn.app.demo.digits import DELIVERIES, drop
from growlearn.app.demo.home import bundled_job
from growlearn.app.jobfile import read_job
from growlearn.app.mirror import deliver
from growlearn.app.running import run_to_end
from growlearn.app.views import lineage_view, matrix_of_version, versions_view
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.evaluation import Evaluation
from growlearn.domain.growth import GrowthResult
from growlearn.domain.job import Job
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.domain.worth import Worth
from growlearn.ports import Store
from growlearn.settings import Settings

_OPENING = """\
GrowLearn keeps a deployed classifier up to date. Here it starts with nothing and meets real
handwritten digits, file by file. No column says which scanner a digit came from: the drift
detector has to notice. What was learned before is frozen and stays as it is, to the last bit.
"""

_FOUND = {
    Verdict.FIRST: "the beginning",
    Verdict.STABLE: "nothing has changed",
    Verdict.WARN: "something may be changing, not enough to act",
    Verdict.DRIFT: "DRIFT: these digits look like nothing known",
    Verdict.NEW_TASK: "a new task",
    Verdict.KNOWN_TASK: "back to something known",
    Verdict.CANNOT_JUDGE: "too little to judge by",
    Verdict.FULL: "no room for another branch",
}


def tell(settings: Settings, stop: threading.Event) -> None:
    """Drop every delivery and run the real loop on it; raises Stopped where `stop` was set."""
    started_s = time.monotonic()
    job_file = settings.home / "digits.yaml"
    shutil.copyfile(bundled_job(), job_file)
    job = read_job(job_file, settings.home)
    store = open_record(settings)
    apply_job(store, job)
    say(_OPENING)
    for place, delivery in enumerate(DELIVERIES):
        say(f"{place + 1}. {delivery.said} ({delivery.name})")
        _tell_window(_handle(place, job, settings, store, stop), store)
    _tell_end(job, settings, store)
    say(f"The story took {time.monotonic() - started_s:.0f} s.")


def _handle(place: int, job: Job, settings: Settings, store: Store, stop: threading.Event) -> Window:
    dropped = drop(place, Path(job.source.url))
    stop.wait(job.source.settle_s + 0.1)  # a file touched just now may still be being written
    summary = run_to_end(job.name, settings, store, stop)
    deliver(settings, store, job.name, warn)
    if not summary.windows:
        raise GrowLearnError(f"{dropped} did not become a window", cure=f"look at: {settings.home}")
    return summary.windows[-1]


def _tell_window(window: Window, store: Store) -> None:
    record = store.record(window.stream, window.id)
    if record.report is not None:
        say(f"   {_FOUND[record.report.verdict]}: {record.report.reason}")
    if isinstance(record.result, GrowthResult) and record.evaluation is not None:
        say(f"   {_grown(record.result, record.evaluation)}")
    if record.worth is not None:
        say(f"   {_weighed(record.worth)}")
    if window.state is WindowState.SETTLED:
        say("   nothing is grown; the model is left alone")
    else:
        say(f"   {window.state.value}: {str(window.reason).partition(';')[0]}")
    say("")


def _grown(result: GrowthResult, evaluation: Evaluation) -> str:
    grown, after = ", ".join(branch.id for branch in result.branches), evaluation.accuracy(evaluation.task)
    how = f"grew {grown} for {evaluation.task}" if grown else f"gave {evaluation.task} a head of its own"
    told = f"{how} in {result.seconds:.0f} s: {percent(after)} of hold-out right"
    if len(evaluation.cells) == 1:
        return told  # before the first branch there was nothing to compare with
    return f"{told}, {percent(evaluation.before.accuracy)} before"


def _weighed(worth: Worth) -> str:
    tried = ", ".join(f"{each.means} {percent(each.cell.accuracy)}" for each in worth.contenders)
    return f"kept is the cheapest that none beats by a test: {worth.winner} ({tried})"


def _tell_end(job: Job, settings: Settings, store: Store) -> None:
    say("The accuracy matrix, per cent of hold-out rows answered right (rows: after growing; columns: task)")
    show_matrix(matrix_of_version(store, job.name, None))
    say("")
    say("The branches, each frozen since it was grown")
    show_lineage(job.name, lineage_view(store, job.name)["branches"])
    say("")
    show_versions(versions_view(store, job.name)["versions"])
    say("Where to look next")
    say(f"  export GROWLEARN_HOME={settings.home}")
    last = settings.home / "digits" / "incoming" / DELIVERIES[-1].name
    for command in (
        f"growlearn windows {job.name}",
        f"growlearn why {job.name} 2",
        f"growlearn drift {job.name} w3",
        f"growlearn evaluate {job.name} --life",
        f"growlearn predict {job.name} {last}",
        f"growlearn rollback {job.name}",
        f"mlflow ui --backend-store-uri {settings.mlflow_tracking_uri}",
    ):
        say(f"  {command}")
