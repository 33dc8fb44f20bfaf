"""The servers that run models: asked over one pool of connections, each with its own key and limits."""
