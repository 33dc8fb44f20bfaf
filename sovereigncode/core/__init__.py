"""What is decided, as values: no file, no clock, no network. Any input gives a decision or named problems."""
