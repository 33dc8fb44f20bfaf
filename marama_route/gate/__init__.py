"""The tool gate: each call of a model is classed, judged, and passed on or replaced by a text."""
