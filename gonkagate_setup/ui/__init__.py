"""Plans and reports as text."""
