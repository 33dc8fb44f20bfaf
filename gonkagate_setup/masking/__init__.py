"""What must not be shown or kept: secrets in diffs, and keys in copies and committed files."""
