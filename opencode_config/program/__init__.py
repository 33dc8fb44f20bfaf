"""The installed opencode: found, started, asked; and the files that it would read."""
