"""No file of growlearn can unpickle, evaluate or load code: read from its source, call by call."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import growlearn

PACKAGE = Path(growlearn.__file__).parent
MIGRATIONS = PACKAGE.parent / "migrations"
FORBIDDEN_MODULES = {
    "_pickle", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "pickle", "shelve",
}  # fmt: skip
FORBIDDEN_FUNCTIONS = {"__import__", "compile", "eval", "exec", "yaml.load", "yaml.load_all"}
FORBIDDEN_METHODS = {
    "read_pickle", "to_pickle", "unsafe_load", "full_load", "jit.load", "hub.load", "run_path",
    "load_state_dict_from_url",
}  # fmt: skip
UNSAFE_LOADERS = {"Loader", "FullLoader", "UnsafeLoader", "CLoader"}
REQUIRED = {  # name of a call, and the arguments that make it safe
    "torch.load": {"weights_only": True},
    "np.load": {"allow_pickle": False},
    "numpy.load": {"allow_pickle": False},
    "from_pretrained": {"trust_remote_code": False, "use_safetensors": True},
}
ERRORS_OF_PICKLE = {"pickle.UnpicklingError", "pickle.PickleError"}


def complaints(source: str) -> Iterator[str]:
    """What could run code that a file brings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in FORBIDDEN_MODULES:
            yield f"{node.lineno}: from {node.module}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] in FORBIDDEN_MODULES and not _only_errors(tree, alias.name):
                    yield f"{node.lineno}: import {alias.name}"
        elif isinstance(node, ast.Attribute) and node.attr in UNSAFE_LOADERS:
            yield f"{node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Call):
            yield from _complain_of_call(node)


def _complain_of_call(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    if name in FORBIDDEN_FUNCTIONS or any(f".{name}".endswith(f".{method}") for method in FORBIDDEN_METHODS):
        yield f"{node.lineno}: {name}"
    given = {key.arg: key.value for key in node.keywords}
    for required, arguments in REQUIRED.items():
        if name == required or (required == "from_pretrained" and name.endswith(f".{required}")):
            for argument, value in arguments.items():
                constant = given.get(argument)
                if not (isinstance(constant, ast.Constant) and constant.value is value):
                    yield f"{node.lineno}: {name} without {argument}={value}"


def _only_errors(tree: ast.AST, module: str) -> bool:
    """Whether a module is imported for its exceptions alone."""
    uses = {
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == module
    }
    return bool(uses) and uses <= ERRORS_OF_PICKLE


@pytest.mark.parametrize(
    "path", [*sorted(PACKAGE.rglob("*.py")), *sorted(MIGRATIONS.rglob("*.py"))], ids=lambda path: path.name
)
def test_a_file_of_growlearn_runs_no_code_that_data_brings(path: Path) -> None:
    assert list(complaints(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\npickle.loads(b'')",
        "from pickle import loads",
        "import joblib\njoblib.load('x')",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "np.load(path)",
        "numpy.load(path, allow_pickle=True)",
        "yaml.load(text)",
        "yaml.load(text, Loader=yaml.SafeLoader)",
        "loader = yaml.Loader(text)",
        "yaml.unsafe_load(text)",
        "pd.read_pickle(path)",
        "eval(text)",
        "exec(text)",
        "torch.jit.load(path)",
        "transformers.AutoModel.from_pretrained(folder)",
        "transformers.AutoModel.from_pretrained(folder, trust_remote_code=True, use_safetensors=True)",
    ],
)
def test_the_search_finds_what_it_looks_for(source: str) -> None:
    assert list(complaints(source))


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\ntry: pass\nexcept pickle.UnpicklingError: pass",
        "torch.load(path, map_location='cpu', weights_only=True)",
        "model.eval()",
        "re.compile('x')",
        "yaml.SafeLoader(text)",
        "safetensors.numpy.load(content)",
    ],
)
def test_the_search_lets_the_rest_pass(source: str) -> None:
    assert list(complaints(source)) == []
