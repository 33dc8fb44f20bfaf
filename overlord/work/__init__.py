"""Commands at work: targets asked at once, results settled as they come, and what dead commands left open."""
