"""The model validation gate: the real opencode, set up by this product, driven through every workflow.

`rig.py` runs things and records what happened, `workflows.py` judges it, `proofs.py` writes it down.
`services.py` gives the service that answers: the scripted stand-in, or a relay to the real one.
"""
