"""Models and snapshots that are open: each is read from the artifacts once and asked many times."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import TypeVar

import torch

from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Schema
from growlearn.ingest.rows import Rows, from_parquet, to_parquet
from growlearn.network.devices import CPU_DEVICE
from growlearn.network.model.network import GrowingNetwork, load_network
from growlearn.network.router.router import Router, load_router
from growlearn.ports import Artifacts

MAX_MODELS = 6
"""Models that one growth compares: the parent, its candidates and their untrained start."""
MAX_SNAPSHOTS = 12
MAX_OPEN_ROWS = 6_000_000  # of all snapshots, but at least one is open

T = TypeVar("T")


class ModelCache:
    """The networks, routers and rows that were used last; nobody may change what it hands out.

    A network that is not open is built from the branches and heads of those that are, so that a candidate
    costs the reading of its new weights alone: equal sha256 are equal bytes.
    """

    def __init__(self, artifacts: Artifacts, device: torch.device = CPU_DEVICE) -> None:
        self.artifacts = artifacts
        self.device = device  # of every network
        self._networks: OrderedDict[Hashable, tuple[Manifest, GrowingNetwork]] = OrderedDict()
        self._routers: OrderedDict[Hashable, Router] = OrderedDict()
        self._rows: OrderedDict[Hashable, Rows] = OrderedDict()

    def network(self, manifest: Manifest) -> GrowingNetwork:
        """The frozen network of a manifest; raises CorruptArtifact where a weight is missing or changed."""
        key = _network_key(manifest)

        def load() -> tuple[Manifest, GrowingNetwork]:
            open_models = list(self._networks.values())
            return manifest, load_network(manifest, self.artifacts.get, open_models, self.device)

        return _remember(self._networks, key, load, MAX_MODELS)[1]

    def router(self, manifest: Manifest) -> Router:
        """The router of a manifest; raises GrowLearnError where it has none."""
        key = (_network_key(manifest), manifest.router)
        return _remember(
            self._routers,
            key,
            lambda: load_router(manifest, self.network(manifest).root_stem, self.artifacts.get),
            MAX_MODELS,
        )

    def rows(self, sha256: str, schema: Schema) -> Rows:
        """The rows of a stored snapshot; raises KeyError or ValueError where they had another schema."""
        rows = _remember(
            self._rows,
            (sha256, schema.digest),
            lambda: from_parquet(self.artifacts.view(sha256), schema),
            MAX_SNAPSHOTS,
        )
        while sum(map(len, self._rows.values())) > MAX_OPEN_ROWS and len(self._rows) > 1:
            self._rows.popitem(last=False)
        return rows

    def store_rows(self, rows: Rows, schema: Schema) -> str:
        """Store rows as a snapshot that is open already, unless it is large; returns its sha256."""
        sha256 = self.artifacts.put(to_parquet(rows, schema))
        if len(rows) <= MAX_OPEN_ROWS // MAX_SNAPSHOTS:
            _remember(self._rows, (sha256, schema.digest), lambda: rows, MAX_SNAPSHOTS)
        return sha256

    def clear(self) -> None:
        """Close everything."""
        for entries in (self._networks, self._routers, self._rows):
            entries.clear()


def _network_key(manifest: Manifest) -> Hashable:
    """What two manifests of one network have in common: all but how rows are routed."""
    bare = replace(manifest, router=None, replaced_tasks=())
    return bare.stream, bare.schema.digest, bare.model, bare.branches, bare.tasks


def _remember(entries: OrderedDict[Hashable, T], key: Hashable, load: Callable[[], T], max_entries: int) -> T:
    """The entry of a key, loaded where it is not there; the one unused for longest makes room."""
    if key not in entries:
        entry = load()
        while len(entries) >= max_entries:
            entries.popitem(last=False)
        entries[key] = entry
    entries.move_to_end(key)
    return entries[key]
