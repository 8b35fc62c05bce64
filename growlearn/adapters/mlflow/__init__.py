"""MLflow as the mirror of the record: a run a window, and a self-contained model a version."""

from growlearn.adapters.mlflow.quiet import hush

hush()  # MLflow reads its settings when it is first imported
