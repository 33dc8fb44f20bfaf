"""What a person sees. Nothing outside this package prints."""
