"""The configured workspaces: their rules as they are now, their audit chains and their approvals."""
