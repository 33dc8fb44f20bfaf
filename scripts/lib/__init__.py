"""What several scripts share. Nothing in here is started by hand."""
