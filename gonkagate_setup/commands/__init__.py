"""The verbs, and what several of them share; each reads as the story of that verb."""
