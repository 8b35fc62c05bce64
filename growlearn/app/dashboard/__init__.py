"""The dashboard: HTML pages over the record, served by the API's process."""
