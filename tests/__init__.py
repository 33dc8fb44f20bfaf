"""The test suite; every test works in a throw-away home."""
