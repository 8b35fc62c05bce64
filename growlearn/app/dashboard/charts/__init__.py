"""Charts as marks with places in pixels, one file a chart; templates draw them as SVG."""
