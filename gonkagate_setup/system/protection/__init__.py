"""Who may read the key: set and read back, one module per family of systems."""
