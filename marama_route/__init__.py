"""MaramaRoute: one OpenAI-compatible address in front of every model, which knows why and can say no."""
