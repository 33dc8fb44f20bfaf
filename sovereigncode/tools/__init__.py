"""Tool classes: what a model's tool call would do, read from its name and arguments; values in, values out."""
