"""What happens to a request before anything leaves: who asks, what is found in it, which model, on record."""
