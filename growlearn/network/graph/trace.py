"""A prediction graph as a program of torch operators, for any number of rows."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch.export import Dim, ExportedProgram

from growlearn.domain.schema import Schema
from growlearn.ingest.rows import make_dummy_row
from growlearn.network.graph.prediction import PredictionGraph

_EXAMPLE_ROWS = 2  # of one row torch would make a constant


def trace_graph(graph: PredictionGraph, schema: Schema) -> ExportedProgram:
    """The program of a graph, which takes and gives dictionaries as the graph does.

    It is traced with rows of zeros, so that it holds nobody's row, nor any path of this machine.
    """
    inputs = graph.inputs.encode(make_dummy_row(schema).take(np.zeros(_EXAMPLE_ROWS, np.int64)))
    dynamic = {name: {0: Dim("batch", min=1)} for name in inputs}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch's, about its own code
        program = torch.export.export(graph.eval(), (inputs,), dynamic_shapes=(dynamic,))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    program.example_inputs = None  # torch would pickle them into the file
    return program
