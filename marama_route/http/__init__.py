"""The gateway over HTTP: routes, limits, and every answer in one form."""
