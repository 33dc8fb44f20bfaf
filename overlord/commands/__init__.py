"""One module a verb, and what several of them share."""
