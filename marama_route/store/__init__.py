"""Where decisions, and what has no workspace here, are kept: one interface, one module a database."""
