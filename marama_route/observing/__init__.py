"""What an operator sees: one line a request, and numbers. Never the content of a request."""
