"""Third-party code that ships inside the package; the originals are in `vendor/`."""
