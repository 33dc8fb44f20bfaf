"""The servers that run models: asked over HTTP, with their own keys, and left out while they fail."""
