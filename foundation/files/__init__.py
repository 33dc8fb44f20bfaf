"""Files read with bounds, links followed with care, and names replaced atomically."""
