"""The part of growlearn that a module needs, under a name of its own.

The copy is a package called growlearn_DIGEST, where DIGEST hashes its content, and its imports say
so. A process that has another growlearn installed, or loads models of several ages, therefore still
answers with exactly the code each model was exported with.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

_PACKAGE = "growlearn"
_IMPORT = re.compile(rf"^(\s*(?:from|import)\s+){_PACKAGE}(?=[.\s]|$)", re.MULTILINE)


@dataclass(frozen=True)
class CodeCopy:
    """Source text by path below the package, and the packages it imports when it is imported."""

    package: str
    files: Mapping[str, str]
    third_party: tuple[str, ...]

    def write(self, folder: Path) -> Path:
        """Write the package below a folder; returns its own folder."""
        for path, text in self.files.items():
            target = folder / self.package / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        return folder / self.package


def copy_code(module: str) -> CodeCopy:
    """What `module` imports of growlearn, directly or not, wherever in the code it says so."""
    sources: dict[str, str] = {}
    outside: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        sources[name] = _file(name).read_text(encoding="utf-8")
        tree = ast.parse(sources[name])
        waiting += [found for found in _imports(tree, whole=True) if _is_ours(found)]
        waiting += [name.rpartition(".")[0]] if "." in name else []
        outside |= {found.split(".")[0] for found in _imports(tree, whole=False) if not _is_ours(found)}
    paths = {_path(name): text for name, text in sorted(sources.items())}
    package = f"{_PACKAGE}_{_digest(paths)}"
    renamed = {path: _IMPORT.sub(rf"\g<1>{package}", text) for path, text in paths.items()}
    return CodeCopy(package, renamed, tuple(sorted(outside)))


def _imports(tree: ast.AST, *, whole: bool) -> Iterator[str]:
    """Modules named by import statements; those inside functions only where `whole` is asked for."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in inner if _is_ours(name) and _exists(name))
        elif whole or not isinstance(node, ast.FunctionDef):
            yield from _imports(node, whole=whole)


def _is_ours(name: str) -> bool:
    return name == _PACKAGE or name.startswith(f"{_PACKAGE}.")


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is a module, so it is a name inside it
        return False


def _file(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def _path(name: str) -> str:
    """Place of a module below the package folder."""
    below = "/".join(name.split(".")[1:])
    if _file(name).name == "__init__.py":
        return f"{below}/__init__.py".lstrip("/")
    return f"{below}.py"


def _digest(files: Mapping[str, str]) -> str:
    digest = sha256()
    for path, text in files.items():
        digest.update(f"{path}\0{text}\0".encode())
    return digest.hexdigest()[:12]
