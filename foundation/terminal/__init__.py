"""What a user sees and types; nothing else prints."""
