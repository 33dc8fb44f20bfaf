"""The audit chain: a line for each record, bound to the line before it, on disk before the thing is done."""
