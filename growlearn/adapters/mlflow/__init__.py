"""MLflow as the mirror of the record: one run per window and one self-contained model per version."""

from growlearn.adapters.mlflow.silence import silence_mlflow

silence_mlflow()  # MLflow reads its settings when it is first imported
