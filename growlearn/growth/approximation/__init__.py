"""How a sum of branches may be read and trained: this project's form beside its source's and its rivals'."""
