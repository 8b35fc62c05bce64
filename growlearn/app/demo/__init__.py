"""The demo: real handwritten digits arrive window by window, and the real loop handles them."""
