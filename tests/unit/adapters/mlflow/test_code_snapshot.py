from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from growlearn.adapters.mlflow.code_snapshot import snapshot_code

ENTRY = "growlearn.serving.predictor"


def test_a_copy_holds_what_the_module_imports_and_no_more() -> None:
    files = snapshot_code("growlearn.domain.lineage").files
    assert sorted(files) == [
        "__init__.py",
        "domain/__init__.py",
        "domain/encoder_config.py",
        "domain/errors.py",
        "domain/lineage.py",
        "domain/model_config.py",
        "domain/printable.py",
        "domain/redaction.py",
        "domain/schema.py",
        "domain/validation.py",
    ]


def test_nothing_but_the_name_of_the_package_is_changed() -> None:
    code = snapshot_code(ENTRY)
    root = Path(sys.modules["growlearn"].__file__ or "").parent
    for path, text in code.files.items():
        original = (root / path).read_text()
        assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(original)).replace(
            "'growlearn.", f"'{code.package}."
        )


def test_no_import_of_the_installed_package_is_left() -> None:
    for path, text in snapshot_code(ENTRY).files.items():
        for node in ast.walk(ast.parse(text)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".", maxsplit=1)[0] == "growlearn"], path


def test_serving_needs_neither_a_database_nor_mlflow_nor_training() -> None:
    code = snapshot_code(ENTRY)
    folders = {path.split("/")[0] for path in code.files}
    assert folders <= {"__init__.py", "domain", "ports", "ingest", "network", "serving"}
    third_party = set(code.third_party) - sys.stdlib_module_names
    assert third_party == {"PIL", "numpy", "pandas", "pyarrow", "safetensors", "tokenizers", "torch"}


def test_equal_code_has_an_equal_name_and_other_code_another() -> None:
    assert snapshot_code(ENTRY).package == snapshot_code(ENTRY).package
    assert snapshot_code(ENTRY).package != snapshot_code("growlearn.domain.lineage").package


def test_a_written_copy_is_imported_beside_the_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = snapshot_code("growlearn.domain.lineage")
    code.write(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    copied = __import__(f"{code.package}.domain.lineage", fromlist=["Manifest"])
    from growlearn.domain.lineage import Manifest  # noqa: PLC0415 - the other of the two

    assert copied.Manifest is not Manifest
    assert copied.Manifest.__module__ == f"{code.package}.domain.lineage"
