"""Tool classes: what a tool call would do, read from its name and arguments; values in, values out."""
