"""The reproducible build of the layer's zip, and the wrapper that attaches it."""
