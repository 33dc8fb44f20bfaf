"""A shell command read as bash, dash and zsh read it; what is not fully understood is refused."""
