"""From a stored decision to the client's last byte: backends are tried, answers are passed on."""
