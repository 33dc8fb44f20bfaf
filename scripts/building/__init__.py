"""How each artefact is made; `scripts/build.py` is the command."""
