"""docs/reference/http-api.md names every route with its role and statuses, and every key of every body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from growlearn.app.api.build import build_api

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "http-api.md"


@pytest.fixture(scope="module")
def document() -> Any:
    """The OpenAPI document; the routes need nothing of their context to describe themselves."""
    context = MagicMock()
    context.access.authorize = lambda: None
    return build_api(context).openapi()


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def operations(document: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_route_has_its_row_with_role_and_statuses(document: Any, page: str) -> None:
    rows = dict(re.findall(r"^\| `([A-Z]+ /[^`]*)` \| (.*) \|$", page, re.MULTILINE))
    found = dict(operations(document))
    assert sorted(rows) == sorted(found)
    for name, operation in found.items():
        role, _, statuses = (cell.strip() for cell in rows[name].split("|"))
        assert role == operation["x-role"], name
        common = {"401", "403", "429", "503"} if role != "public" else {"503"}
        assert set(statuses.split()) == set(operation["responses"]) - common, name


def test_every_parameter_and_key_is_on_the_page(document: Any, page: str) -> None:
    names = {
        parameter["name"]
        for _, operation in operations(document)
        for parameter in operation.get("parameters", [])
    }
    for schema in document["components"]["schemas"].values():
        names |= schema.get("properties", {}).keys()
    for _, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            names |= content["schema"].get("properties", {}).keys()
    assert len(names) > 60
    linked = (PAGE.parent / "json.md").read_text(encoding="utf-8")
    assert [name for name in sorted(names) if f"`{name}`" not in page and f"`{name}`" not in linked] == []
