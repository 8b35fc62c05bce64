"""Rows that name no task: fixed features, and a readout in closed form that says which task answers."""
