"""Decisions about runs, servants, messages and conversations: values in, values out."""
