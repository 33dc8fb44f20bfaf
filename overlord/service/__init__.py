"""The chat service: an OpenAI-compatible API, asked with one connection a request."""
