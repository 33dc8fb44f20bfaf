"""The command line as data: verbs and options, what is wrong with a command line, and texts about it."""
