"""Scripts to start by hand: each sets itself up and answers --help; what they share is in lib/."""
