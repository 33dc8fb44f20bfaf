"""What setup, undo and uninstall change, decided before anything is written."""
