"""The router of rows that name no task: fixed features and ridge weights in closed form."""
