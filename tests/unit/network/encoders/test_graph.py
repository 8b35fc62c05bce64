"""A module as calls of torch operators: what is traced answers as the module, and nothing else is called."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from growlearn.domain.errors import GrowLearnError
from growlearn.network.encoders.encoder import read_encoder
from growlearn.network.encoders.graph import Call, Graph, GraphModule, trace
from tests.unit.tiny_encoders import TinyAttention, TinyConv, image_encoder, text_encoder

BATCH = torch.export.Dim("batch", min=1, max=64)


def call(target: str, *args: Any) -> Graph:
    return Graph(("x",), (Call("y", target, args, {}),), ("y",))


@pytest.mark.parametrize("batch", [1, 2, 5, 16, 64])
def test_a_stored_encoder_of_images_answers_as_its_module_at_every_batch_size(batch: int) -> None:
    images = torch.rand(batch, 3, 12, 12, generator=torch.Generator().manual_seed(batch))
    with torch.no_grad():
        expected = TinyConv().eval()(images)
    answers = read_encoder(image_encoder())[1](images)
    assert all(torch.equal(*pair) for pair in zip(answers, expected, strict=True))


@pytest.mark.parametrize(("batch", "length"), [(1, 2), (3, 7), (5, 16), (2, 40)])
def test_a_stored_encoder_of_texts_answers_as_its_module_at_every_length(batch: int, length: int) -> None:
    ids = torch.randint(0, 10, (batch, length), generator=torch.Generator().manual_seed(length))
    mask = (torch.arange(length) < torch.arange(1, batch + 1)[:, None]).long()
    with torch.no_grad():
        expected = TinyAttention(40).eval()(ids, mask)
    assert torch.equal(read_encoder(text_encoder())[1](ids, mask)[0], expected)


def test_tensors_that_no_call_reads_are_left_out() -> None:
    class WithSpare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.spare = nn.Linear(3, 2), nn.Linear(3, 200)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)  # type: ignore[no-any-return]

    graph, tensors = trace(WithSpare(), [torch.zeros(2, 3)], [{0: BATCH}])
    assert sorted(tensor.numel() for tensor in tensors.values()) == [2, 6]
    assert GraphModule(graph, tensors)(torch.zeros(7, 3))[0].shape == (7, 2)


def test_a_forward_that_depends_on_values_is_refused() -> None:
    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(GrowLearnError, match="cannot be traced") as refused:
        trace(Branching(), [torch.ones(2, 3)], [{0: BATCH}])
    assert "no branch may depend on values" in str(refused.value.hint)
    assert "\n" not in refused.value.message


def test_an_operator_that_is_not_torch_s_own_is_refused() -> None:
    @torch.library.custom_op("growlearn_test::twice", mutates_args=())
    def twice(x: Tensor) -> Tensor:
        return 2 * x

    @twice.register_fake
    def _(x: Tensor) -> Tensor:
        return torch.empty_like(x)

    class Custom(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return twice(x)  # type: ignore[no-any-return]

    with pytest.raises(GrowLearnError, match=r"growlearn_test\S*, which is no operator of torch itself"):
        trace(Custom(), [torch.ones(2, 3)], [{0: BATCH}])


@pytest.mark.parametrize("target", [
    "python.eval", "python.__import__", "python.attrgetter", "os.system", "__class__.mro", "add.no_overload",
    "load.default", "__init__.default", "python", "",
])  # fmt: skip
def test_no_name_outside_the_operators_and_the_list_of_python_s_is_called(target: str) -> None:
    with pytest.raises(GrowLearnError, match="no operator"):
        GraphModule(call(target, {"ref": "x"}), {})


@pytest.mark.parametrize("target", ["from_file.default", "from_file.out", "save.default", "warn.default"])
def test_operators_that_touch_files_are_refused(target: str, tmp_path: Any) -> None:
    """Torch's own, and no function of a tensor."""
    with pytest.raises(GrowLearnError, match="computes nothing from its input"):
        GraphModule(call(target, str(tmp_path / "made"), True, 8), {})
    assert list(tmp_path.iterdir()) == []


def test_a_stored_file_that_calls_something_else_is_refused() -> None:
    content = image_encoder()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["growlearn_encoder"])
    header["calls"][0][1] = "python.eval"
    changed = save(load(content), {"growlearn_encoder": json.dumps(header)})
    with pytest.raises(GrowLearnError, match=r"no operator 'python\.eval'"):
        read_encoder(changed)


def test_a_name_of_torch_other_than_a_type_is_no_argument() -> None:
    graph = call("to.dtype", {"ref": "x"}, {"dtype": "load"})
    with pytest.raises(AssertionError, match="no other name of torch"):
        GraphModule(graph, {})(torch.ones(1))


def test_sizes_and_new_tensors_are_those_of_the_batch() -> None:
    class Sized(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            half = x.shape[0] // 2
            return x.sum() + torch.arange(x.shape[0] + 1) * half

    graph, tensors = trace(Sized(), [torch.zeros(4, 3)], [{0: BATCH}])
    stored = GraphModule(graph, tensors)
    for rows in (1, 4, 9):
        assert stored(torch.zeros(rows, 3))[0].tolist() == [i * (rows // 2) for i in range(rows + 1)]
