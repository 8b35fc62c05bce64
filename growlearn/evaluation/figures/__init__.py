"""What the stored answers to a task's hold-out tell beyond how many are right, a file a figure."""
