"""No code block of a page is skipped in silence: it is run, or says why not."""

from __future__ import annotations

import pytest

from tests.docs.blocks import (
    NOT_RUN,
    PAGES_RUN,
    ROOT,
    RUN_LANGUAGES,
    find_blocks,
    find_runnable_blocks,
    list_pages,
    split_commands,
)

# Pages whose blocks a test of their own runs, one after the other.
RUN_ELSEWHERE = {
    "docs/how-to/alerts.md": "tests/unit/adapters/webhook/test_how_to.py",
    "docs/how-to/backup.md": "tests/integration/cli/test_backup.py",
    "docs/how-to/avalanche.md": "tests/unit/adapters/avalanche/test_how_to.py",
    "docs/how-to/write-a-detector.md": "tests/docs/test_extension_examples.py",
    "docs/tutorial.md": "tests/acceptance/test_documented_commands.py",
}


def test_every_page_with_commands_is_run() -> None:
    pages = {page.relative_to(ROOT).as_posix() for page in list_pages() if find_runnable_blocks(page)}
    assert pages == {*PAGES_RUN, *RUN_ELSEWHERE}
    assert all((ROOT / test).exists() for test in RUN_ELSEWHERE.values())


def test_every_block_names_its_language() -> None:
    assert [block.name for page in list_pages() for block in find_blocks(page) if not block.language] == []


def test_only_what_could_be_run_says_why_it_is_not() -> None:
    marked = [block for page in list_pages() for block in find_blocks(page) if block.reason]
    assert marked
    assert [block.name for block in marked if block.language not in RUN_LANGUAGES] == []
    remarks = sum(page.read_text(encoding="utf-8").count("\n<!-- not run:") for page in list_pages())
    assert remarks == len(marked), "a remark stands on the line above its block"


def test_every_test_that_a_reason_names_exists() -> None:
    reasons = [block.reason or "" for page in list_pages() for block in find_blocks(page)]
    named = {word.rstrip(".,;") for reason in [*reasons, *NOT_RUN.values()] for word in reason.split()}
    tests = {name for name in named if name.startswith("tests/")}
    assert tests
    assert [name for name in sorted(tests) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("growlearn status STREAM   # waiting; 2 & more", True),
        ("growlearn export S 3 model && cat model/x", False),
        ("head -3 predictions.csv", False),
    ],
)
def test_a_plain_command_is_called_in_this_process(line: str, plain: bool) -> None:
    assert split_commands(line) == [(plain, line)]


def test_a_command_that_never_ends_is_left_out() -> None:
    assert split_commands("growlearn apply job.yaml\ngrowlearn up\n") == [(True, "growlearn apply job.yaml")]
