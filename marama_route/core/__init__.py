"""What the gateway decides, as values: no file, no clock, no network. Times and random bytes are given."""
