"""What every program of this repository uses: files, locks, secrets, the terminal. No product in it."""
