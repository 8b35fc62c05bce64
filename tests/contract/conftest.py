"""The devices that a contract holds on besides the CPU."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from growlearn.ingest.rows import Rows
from growlearn.network.devices import prepare_device
from tests.second_device import second_device
from tests.unit.digits import load_digit_rows


@pytest.fixture(params=["second", *(["cuda"] if torch.cuda.is_available() else [])])
def other_device(request: pytest.FixtureRequest) -> Iterator[torch.device]:
    """A strict device that computes on the CPU, and a GPU where this machine has one."""
    if request.param == "second":
        with second_device() as device:
            yield device
        return
    device = torch.device("cuda", 0)
    prepare_device(device)
    yield device
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="session")
def digit_rows() -> Rows:
    return load_digit_rows()
