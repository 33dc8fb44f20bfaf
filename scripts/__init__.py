"""Things a person runs; each sets itself up."""
