"""Texts that people wrote, read strictly: each value with its line and column."""
