"""Approvals: a user's yes or no to one tool call, in a file, bound by a digest, used once."""
