"""A torch module as a list of calls: what `torch.export` traces, written as JSON beside its tensors.

The file needs neither the library that the module came from nor pickle: every call names one of torch's own
operators, every argument is a number, a text or a reference. torch's own archive would be read with pickle
where its example inputs are not plain tensors.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from growlearn.domain.errors import GrowLearnError

_SKIPPED = ("aten._assert_tensor_metadata.default",)  # checks of the tracing, which compute nothing
_ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    name: getattr(operator, name) for name in ("getitem", "add", "sub", "mul", "floordiv", "neg")
}
"""Functions of Python that a graph may call: parts of a result, and sizes."""

Json: TypeAlias = Any


@dataclass(frozen=True)
class Call:
    """One call: the name of its result, the operator, and arguments in which `{"ref": name}` is a result."""

    name: str
    target: str
    args: tuple[Json, ...]
    kwargs: Mapping[str, Json]


@dataclass(frozen=True)
class Graph:
    """Calls in order, the names of the inputs, and of the results that are the outputs."""

    inputs: tuple[str, ...]
    calls: tuple[Call, ...]
    outputs: tuple[str, ...]


def trace(
    module: nn.Module, example: Sequence[Tensor], dynamic: Sequence[Mapping[int, Any]]
) -> tuple[Graph, dict[str, Tensor]]:
    """The calls of a module in evaluation mode, and its tensors by name.

    `dynamic` names for each input the dimensions that may change, as `torch.export` takes them. Raises
    GrowLearnError where the module cannot be traced, or calls what is no operator of torch.
    """
    try:
        with torch.no_grad():
            program = torch.export.export(module.eval(), tuple(example), dynamic_shapes=tuple(dynamic))
    except Exception as error:  # torch raises many kinds, all about the module
        raise GrowLearnError(
            f"the encoder cannot be traced: {str(error).splitlines()[0]}",
            hint="its forward must be one path of torch operators; no branch may depend on values",
        ) from error
    state = {**program.state_dict, **program.constants}
    signature = program.graph_signature
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    names |= signature.inputs_to_lifted_tensor_constants
    calls = []
    for node in program.graph.nodes:
        if node.op == "call_function" and str(node.target) not in _SKIPPED:
            kwargs = {key: _to_json(value) for key, value in node.kwargs.items() if key not in _PLACEMENT}
            args = tuple(_to_json(value) for value in node.args)
            calls.append(Call(node.name, _target_name(node.target), args, kwargs))
    used = {name: state[full].detach().clone() for name, full in names.items()}
    graph = Graph(tuple(signature.user_inputs), tuple(calls), tuple(map(str, signature.user_outputs)))
    referenced = _references([call.args for call in calls]) | _references([call.kwargs for call in calls])
    return graph, {name: tensor for name, tensor in used.items() if name in referenced}


_PLACEMENT = ("device", "pin_memory", "layout")
"""Arguments that say where a tensor lies: that of the inputs decides."""


def _references(value: Json) -> set[str]:
    """The names that arguments refer to."""
    if isinstance(value, dict):
        return {value["ref"]} if "ref" in value else set().union(*map(_references, value.values()))
    return set().union(*map(_references, value)) if isinstance(value, list | tuple) else set()


def _target_name(target: Any) -> str:
    if isinstance(target, torch._ops.OpOverload) and target.namespace == "aten":
        return str(target).removeprefix("aten.")
    name = getattr(target, "__name__", str(target))
    if _ARITHMETIC.get(name) is target:
        return f"python.{name}"
    raise GrowLearnError(
        f"the encoder calls {target}, which is no operator of torch itself",
        hint="choose an encoder without compiled operators of its own",
    )


def _to_json(value: Any) -> Json:
    if isinstance(value, torch.fx.Node):
        return {"ref": value.name}
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    if isinstance(value, torch.dtype):
        return {"dtype": str(value).removeprefix("torch.")}
    if isinstance(value, torch.device):
        return {"device": "input"}
    if isinstance(value, torch.memory_format):
        return {"memory_format": str(value).removeprefix("torch.")}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise GrowLearnError(f"the encoder has an argument {value!r}, which cannot be stored")


class GraphModule(nn.Module):
    """A stored graph and its tensors as a module; its answers are those of the traced one."""

    def __init__(self, graph: Graph, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.graph = graph
        self._operators = [_find_operator(call.target) for call in graph.calls]
        self._last_use = _find_last_uses(graph)
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor)

    @torch.no_grad()
    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Inputs of B rows -> the outputs of the graph."""
        device = inputs[0].device
        values: dict[str, Any] = dict(self._buffers)
        values |= dict(zip(self.graph.inputs, inputs, strict=True))
        for index, (call, run) in enumerate(zip(self.graph.calls, self._operators, strict=True)):
            args = [_from_json(value, values, device) for value in call.args]
            kwargs = {key: _from_json(value, values, device) for key, value in call.kwargs.items()}
            if call.target in _CREATING:
                kwargs["device"] = device
            values[call.name] = run(*args, **kwargs)
            for name in self._last_use.get(index, ()):
                del values[name]
        return tuple(values[name] for name in self.graph.outputs)


_CREATING = (
    "arange.default",
    "arange.start",
    "arange.start_step",
    "full.default",
    "ones.default",
    "scalar_tensor.default",
    "zeros.default",
)
"""Operators that make a tensor of no other: it belongs on the device of the inputs."""


def _find_operator(target: str) -> Callable[..., Any]:
    """The operator of a stored name; raises GrowLearnError for all else: no file calls what it likes."""
    kind, _, name = target.partition(".")
    if kind == "python" and name in _ARITHMETIC:
        return _ARITHMETIC[name]
    packet = getattr(torch.ops.aten, kind, None)
    overload = getattr(packet, name, None) if name in getattr(packet, "overloads", list)() else None
    if overload is None:
        raise GrowLearnError(
            f"torch {torch.__version__} has no operator {target!r}, which the encoder calls",
            hint="use the version of torch that the encoder was stored with",
        )
    if target not in _CREATING and not _reads_tensors(overload):
        raise GrowLearnError(
            f"the encoder calls {target!r}, which computes nothing from its input",
            hint="choose an encoder whose forward is a function of its input alone",
        )
    return overload  # type: ignore[no-any-return]


def _reads_tensors(overload: torch._ops.OpOverload) -> bool:
    """Whether an operator reads a tensor: those that read and write files do not."""
    return any("Tensor" in str(given.type) and not given.kwarg_only for given in overload._schema.arguments)


def _find_last_uses(graph: Graph) -> dict[int, tuple[str, ...]]:
    """By the index of a call, the results that no later call reads."""
    last = {call.name: index for index, call in enumerate(graph.calls)}
    for index, call in enumerate(graph.calls):
        for name in _references([call.args, call.kwargs]):
            if name in last:
                last[name] = index
    freed: dict[int, tuple[str, ...]] = {}
    for name, index in last.items():
        if name not in graph.outputs:
            freed[index] = (*freed.get(index, ()), name)
    return freed


def _from_json(value: Json, values: Mapping[str, Any], device: torch.device) -> Any:
    if isinstance(value, list):
        return [_from_json(item, values, device) for item in value]
    if not isinstance(value, dict):
        return value
    if "ref" in value:
        return values[value["ref"]]
    if "device" in value:
        return device
    found = getattr(torch, value.get("dtype") or value["memory_format"])
    assert isinstance(found, torch.dtype | torch.memory_format), "no other name of torch is ever stored"
    return found
