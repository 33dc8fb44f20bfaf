"""What the programs named in a command do, by their names and arguments."""
