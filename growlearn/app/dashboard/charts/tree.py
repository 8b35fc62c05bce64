"""The lineage tree: each branch to the right of its parent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from growlearn.domain.lineage import BranchRecord

_NODE_WIDTH, _NODE_HEIGHT = 148, 46
_COLUMN, _ROW, _MARGIN = 196, 62, 6


@dataclass(frozen=True)
class TreeNode:
    """One branch, and where it stands."""

    branch: BranchRecord
    x: float
    y: float


@dataclass(frozen=True)
class Tree:
    """Nodes in the order of their growth, and the paths from parents to children."""

    width: float
    height: float
    node_width: float
    node_height: float
    nodes: tuple[TreeNode, ...]
    edges: tuple[str, ...]


def draw_tree(branches: Sequence[BranchRecord]) -> Tree:
    """The tree of branches, each after its parent; one whose parent is not among them is a root.

    A first child stands beside its parent, each further one on a line of its own.
    """
    ids = {branch.id for branch in branches}
    children: dict[str | None, list[BranchRecord]] = defaultdict(list)
    for branch in branches:
        children[branch.parent if branch.parent in ids else None].append(branch)
    places: dict[str, tuple[int, int]] = {}
    stack = [(branch, 0) for branch in reversed(children[None])]
    row, last_depth = -1, 0
    while stack:  # depth first; a lineage may be longer than Python's recursion allows
        branch, depth = stack.pop()
        if row < 0 or depth <= last_depth:
            row += 1
        places[branch.id], last_depth = (depth, row), depth
        stack += [(child, depth + 1) for child in reversed(children[branch.id])]
    nodes = tuple(
        TreeNode(branch, _MARGIN + _COLUMN * depth, _MARGIN + _ROW * line)
        for branch in branches
        for depth, line in (places[branch.id],)
    )
    by_id = {node.branch.id: node for node in nodes}
    return Tree(
        width=2 * _MARGIN + _NODE_WIDTH + _COLUMN * max((depth for depth, _ in places.values()), default=0),
        height=2 * _MARGIN + _NODE_HEIGHT + _ROW * max(0, row),
        node_width=_NODE_WIDTH,
        node_height=_NODE_HEIGHT,
        nodes=nodes,
        edges=tuple(
            _draw_edge(by_id[node.branch.parent], node)
            for node in nodes
            if node.branch.parent is not None and node.branch.parent in by_id
        ),
    )


def _draw_edge(parent: TreeNode, child: TreeNode) -> str:
    start_x, start_y = parent.x + _NODE_WIDTH, parent.y + _NODE_HEIGHT / 2
    end_x, end_y = child.x, child.y + _NODE_HEIGHT / 2
    middle = (start_x + end_x) / 2
    return f"M{start_x},{start_y} C{middle},{start_y} {middle},{end_y} {end_x},{end_y}"
