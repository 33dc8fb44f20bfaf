"""What is shown on a screen."""
