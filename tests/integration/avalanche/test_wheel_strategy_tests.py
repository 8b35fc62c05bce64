"""Avalanche's own tests of any strategy, from its wheel, with branch growth in the strategy's place.

docs/reference/avalanche-tests.md names every test of those files, and why the others are not run.
"""

from __future__ import annotations

import ast
import random
import re
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from growlearn.adapters.avalanche.importing import patch_avalanche_import
from growlearn.avalanche import BranchGrowth, GrowingClassifier, GrowthConfig, ModelConfig

from .wheel_tests import DISTRIBUTION, find_package, load_wheel_module

with patch_avalanche_import():
    from avalanche.training.plugins import ReplayPlugin

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "avalanche-tests.md"

GENERIC = {
    "training/test_strategies.py": (
        "BaseStrategyTest.test_eval_streams_normalization",
        "BaseStrategyTest.test_periodic_eval",
        "BaseStrategyTest.test_plugins_compatibility_checks",
        "BaseStrategyTest.test_forward_hooks",
        "BaseStrategyTest.test_early_stop",
        "StrategyTest.test_naive",
        "StrategyTest.test_replay",
    ),
    "training/test_strategies_accuracy.py": (
        "StrategyTest.test_multihead_cumulative",
        "StrategyTest.test_pnn",
    ),
    "training/test_plugins.py": (
        "PluginTests.test_callback_reachability",
        "PluginTests.test_scheduler_plugin",
    ),
    "training/test_replay.py": ("ReplayTest.test_replay_balanced_memory", "ReplayTest.test_balancing"),
    "training/test_dictionary_mbatches.py": ("TestDictionaryDatasets.test_dictionary_train_replay",),
    "training/test_stream_completeness.py": (
        "TestStreamCompleteness.test_raise_error",
        "TestStreamCompleteness.test_no_errors",
    ),
    "test_loggers.py": (
        "TestLoggers.test_text_logger",
        "TestLoggers.test_tensorboard_logger",
        "TestLoggers.test_interactive_logger",
        "TestLoggers.test_csv_logger",
    ),
    "test_optimizer.py": ("DynamicOptimizersTests.test_optimizer_update",),
    "benchmarks/utils/test_dataloaders.py": (
        "DataLoaderTests.test_dataload_reinit",
        "DataLoaderTests.test_dataload_batch_balancing",
        "DataLoaderTests.test_dataloader_with_multiple_workers",
    ),
}
"""The tests that ask something of every strategy, by file."""

LISTED_FOLDER = "training"
"""Every test of this folder, and of the files above, stands on the page."""


class Growth(BranchGrowth):
    """Branch growth with the defaults of Avalanche's Naive, and for experiences of any size."""

    def __init__(
        self,
        *,
        model: GrowingClassifier,
        optimizer: torch.optim.Optimizer,
        criterion: Any = nn.CrossEntropyLoss(),  # noqa: B008 - has no state
        train_mb_size: int = 1,
        train_epochs: int = 1,
        **template: Any,
    ) -> None:
        super().__init__(
            model=model,
            optimizer=optimizer,
            criterion=criterion,
            train_mb_size=train_mb_size,
            train_epochs=train_epochs,
            growth=GrowthConfig(init="warm_start", min_rows=1),
            **template,
        )


class ReplayGrowth(Growth):
    """The same with a memory, as Avalanche's Replay is Naive with a memory."""

    def __init__(
        self,
        *,
        model: GrowingClassifier,
        optimizer: torch.optim.Optimizer,
        criterion: Any,
        mem_size: int,
        **template: Any,
    ) -> None:
        super().__init__(
            model=model,
            optimizer=optimizer,
            criterion=criterion,
            plugins=[ReplayPlugin(mem_size)],
            **template,
        )


class Model(GrowingClassifier):
    """The growing network, whatever size the test asks for."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__(ModelConfig(embed_dim=16, depth=1, num_heads=2))
        self.classifier = nn.Linear(1, 1)  # test_periodic_eval replaces it; nothing reads it


_IN_PLACE_OF = {
    **dict.fromkeys(("Naive", "Cumulative", "PNNStrategy"), Growth),
    "Replay": ReplayGrowth,
    **dict.fromkeys(("SimpleMLP", "MTSimpleMLP", "PNN", "MHTestMLP", "_PlainMLP"), Model),
}


@pytest.mark.filterwarnings("ignore")  # Avalanche's tests warn of Avalanche
@pytest.mark.parametrize(("file", "test"), [(file, test) for file in GENERIC for test in GENERIC[file]])
def test_growth_passes_avalanche_s_own_test(
    file: str, test: str, need: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    need(f"{DISTRIBUTION} with its tests", find_package() is not None)
    module = load_wheel_module(file.removesuffix(".py").replace("/", "."))
    for name in _IN_PLACE_OF.keys() & vars(module).keys():
        monkeypatch.setattr(module, name, _IN_PLACE_OF[name])
    if hasattr(module, "NaiveDictData"):
        monkeypatch.setattr(module, "NaiveDictData", _derive_from_growth(module.NaiveDictData))
    monkeypatch.chdir(tmp_path)
    random.seed(0)
    np.random.seed(0)  # what Avalanche draws from
    torch.manual_seed(0)
    suite, name = test.split(".")
    result = unittest.TestResult()
    unittest.TestSuite([getattr(module, suite)(name)]).run(result)
    assert result.testsRun == 1
    assert not result.skipped
    assert [trace for _, trace in (*result.errors, *result.failures)] == []


def _derive_from_growth(strategy: type) -> type:
    """A test's own subclass of Naive, with growth as its base."""
    members = {name: member for name, member in vars(strategy).items() if not name.startswith("__")}
    return type(strategy.__name__, (Growth,), members)


def test_the_page_names_every_test_and_marks_the_generic_ones(need: Any) -> None:
    package = find_package()
    need(f"{DISTRIBUTION} with its tests", package is not None)
    assert package is not None
    files = {f"{LISTED_FOLDER}/{path.name}" for path in (package / LISTED_FOLDER).glob("test_*.py")}
    listed = {file: _list_tests(package / file) for file in sorted(files | GENERIC.keys())}
    told = _read_page()
    for file, tests in listed.items():
        if not tests:
            continue
        assert told.get(file, {}).keys() == tests, file
        passed = {test for test, verdict in told[file].items() if verdict == "passes"}
        assert passed == set(GENERIC.get(file, ())), file


def _list_tests(path: Path) -> set[str]:
    return {
        f"{suite.name}.{test.name}"
        for suite in ast.parse(path.read_text("utf-8")).body
        if isinstance(suite, ast.ClassDef)
        for test in suite.body
        if isinstance(test, ast.FunctionDef) and re.match(r"test(_|$)", test.name)
    }


def _read_page() -> dict[str, dict[str, str]]:
    """File -> test -> verdict, from the page's tables: a heading a file, a row for one or more tests."""
    verdicts: dict[str, dict[str, str]] = {}
    file = ""
    for line in PAGE.read_text("utf-8").splitlines():
        if heading := re.match(r"## `tests/(.+)`$", line):
            file = heading[1]
        elif row := re.match(r"\| (`.+`) \| (.+) \|$", line):
            for test in re.findall(r"`([\w.]+)`", row[1]):
                verdicts.setdefault(file, {})[test] = row[2].split(":")[0]
    return verdicts
