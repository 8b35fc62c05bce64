from __future__ import annotations

import pytest
import torch

from growlearn.domain.errors import GrowLearnError
from growlearn.network import devices
from growlearn.network.devices import (
    CPU_DEVICE,
    choose_device,
    describe_device,
    find_recorded_device,
    prepare_device,
    resolve_device,
)

GPU_MACHINE = ["cuda:0", "cuda:1", "cpu"]


@pytest.fixture(params=[["cpu"]])
def names(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The devices of a machine that is made up."""
    found: list[str] = request.param
    monkeypatch.setattr(devices, "list_devices", lambda: list(found))
    return found


@pytest.mark.parametrize(
    ("names", "name", "resolved"),
    [
        (["cpu"], "auto", "cpu"),
        (["mps", "cpu"], "auto", "mps"),
        (GPU_MACHINE, "auto", "cuda:0"),
        (GPU_MACHINE, "cuda", "cuda:0"),
        (GPU_MACHINE, "cuda:1", "cuda:1"),
        (GPU_MACHINE, "cpu", "cpu"),
    ],
    indirect=["names"],
)
def test_a_name_is_resolved_to_a_device_that_is_there(names: list[str], name: str, resolved: str) -> None:
    assert resolved in names
    assert resolve_device(name, "key") == torch.device(resolved)


@pytest.mark.parametrize(
    ("names", "name", "message"),
    [
        (["cpu"], "cuda", "key is 'cuda', but this machine has no device but cpu (write one of auto, cpu)"),
        (
            GPU_MACHINE,
            "cuda:2",
            "but this machine has cuda:0, cuda:1, cpu (write one of auto, cuda:0, cuda:1, cpu)",
        ),
        (GPU_MACHINE, "mps", "key is 'mps'"),
        (GPU_MACHINE, "gpu", "key is 'gpu'"),
    ],
    indirect=["names"],
)
def test_a_device_that_is_not_there_is_an_error_with_those_that_are(
    names: list[str], name: str, message: str
) -> None:
    assert name not in names
    with pytest.raises(GrowLearnError) as failure:
        resolve_device(name, "key")
    assert message in str(failure.value)


@pytest.mark.parametrize("names", [GPU_MACHINE], indirect=True)
@pytest.mark.parametrize(
    ("wanted", "process", "chosen"),
    [
        ("auto", "auto", "cuda:0"),
        ("auto", "cuda:1", "cuda:1"),
        ("auto", "cpu", "cpu"),
        ("cuda", "cuda:1", "cuda:1"),  # any GPU: that of the process
        ("cuda:1", "auto", "cuda:1"),
        ("cpu", "cuda:1", "cpu"),
        ("cuda:1", "cuda:1", "cuda:1"),
    ],
)
def test_work_chooses_among_the_devices_of_its_process(
    names: list[str], wanted: str, process: str, chosen: str
) -> None:
    assert chosen in names
    assert choose_device(wanted, process, "key", "SETTING") == torch.device(chosen)


@pytest.mark.parametrize("names", [GPU_MACHINE], indirect=True)
@pytest.mark.parametrize(("wanted", "process"), [("cuda", "cpu"), ("cuda:0", "cuda:1")])
def test_work_and_process_that_contradict_each_other_are_an_error(
    names: list[str], wanted: str, process: str
) -> None:
    assert process in names
    message = (
        rf"key is '{wanted}', but SETTING lets this process use {process} only \(set SETTING to cuda:0 or"
    )
    with pytest.raises(GrowLearnError, match=message):
        choose_device(wanted, process, "key", "SETTING")


@pytest.mark.parametrize(
    ("names", "description", "found"),
    [
        (["cpu"], "cuda NVIDIA H200, CUDA 13.0, cuDNN 91002", "cpu"),
        (GPU_MACHINE, "cuda NVIDIA H200, CUDA 13.0, cuDNN 91002", "cuda:0"),
        (GPU_MACHINE, "cpu", "cpu"),
    ],
    indirect=["names"],
)
def test_what_a_record_names_is_found_again_or_the_cpu(
    names: list[str], description: str, found: str
) -> None:
    assert find_recorded_device(description) == torch.device(found)
    assert found in names


def test_a_cpu_is_described_by_its_type_and_changes_nothing() -> None:
    assert describe_device(CPU_DEVICE) == "cpu"
    prepare_device(CPU_DEVICE)
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_gpu_is_repeatable_and_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    try:
        prepare_device(torch.device("cuda", 0))
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cudnn.allow_tf32
    finally:
        torch.use_deterministic_algorithms(False)
