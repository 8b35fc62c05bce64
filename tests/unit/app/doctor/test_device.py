from __future__ import annotations

from dataclasses import replace

import pytest

from growlearn.app.doctor.context import CheckContext
from growlearn.app.doctor.device import device
from growlearn.app.doctor.run_checks import run_check
from growlearn.network import devices


def test_the_device_and_the_others_are_told(context: CheckContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "list_devices", lambda: ["mps", "cpu"])
    (finding,) = device(replace(context, settings=replace(context.settings, device="cpu")))
    assert finding.message == "cpu (cpu); there is also mps"


def test_a_device_that_is_not_there_is_an_error_with_its_fix(
    context: CheckContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "list_devices", lambda: ["cpu"])
    wrong = replace(context, settings=replace(context.settings, device="cuda:1"))
    (finding,) = run_check("device", lambda: device(wrong))
    assert finding.message == "GROWLEARN_DEVICE is 'cuda:1', but this machine has no device but cpu"
    assert finding.hint == "write one of auto, cpu"
