-- MLflow's tables in a database of their own, so that it can be made anew without the record.
CREATE DATABASE mlflow;
