"""The steps of a cycle: each reads only what is stored and makes one move of a window's state."""
