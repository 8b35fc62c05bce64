"""A copy of the part of growlearn that a module needs, as a package of another name.

The copy is called growlearn_DIGEST, where DIGEST hashes its content, and its imports are rewritten
to that name. A process that has another growlearn installed, or loads models of several versions, therefore
predicts with exactly the code each model was exported with.
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
class CodeSnapshot:
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


def snapshot_code(module: str) -> CodeSnapshot:
    """What `module` imports of growlearn, directly or indirectly, at module level or inside functions."""
    sources: dict[str, str] = {}
    third_party: set[str] = set()
    queue = [module]
    while queue:
        name = queue.pop()
        if name in sources:
            continue
        sources[name] = _find_module_file(name).read_text(encoding="utf-8")
        tree = ast.parse(sources[name])
        queue += [imported for imported in _list_imports(tree, include_functions=True) if _is_ours(imported)]
        queue += [name.rpartition(".")[0]] if "." in name else []
        third_party |= {
            imported.split(".")[0]
            for imported in _list_imports(tree, include_functions=False)
            if not _is_ours(imported)
        }
    paths = {_make_package_path(name): text for name, text in sorted(sources.items())}
    package = f"{_PACKAGE}_{_hash_files(paths)}"
    renamed = {path: _IMPORT.sub(rf"\g<1>{package}", text) for path, text in paths.items()}
    return CodeSnapshot(package, renamed, tuple(sorted(third_party)))


def _list_imports(tree: ast.AST, *, include_functions: bool) -> Iterator[str]:
    """Modules named by import statements; those inside functions only with `include_functions`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in submodules if _is_ours(name) and _module_exists(name))
        elif include_functions or not isinstance(node, ast.FunctionDef):
            yield from _list_imports(node, include_functions=include_functions)


def _is_ours(name: str) -> bool:
    return name == _PACKAGE or name.startswith(f"{_PACKAGE}.")


def _module_exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is a module, so it is a name inside it
        return False


def _find_module_file(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def _make_package_path(name: str) -> str:
    """Path of a module below the package folder."""
    relative = "/".join(name.split(".")[1:])
    if _find_module_file(name).name == "__init__.py":
        return f"{relative}/__init__.py".lstrip("/")
    return f"{relative}.py"


def _hash_files(files: Mapping[str, str]) -> str:
    digest = sha256()
    for path, text in files.items():
        digest.update(f"{path}\0{text}\0".encode())
    return digest.hexdigest()[:12]
