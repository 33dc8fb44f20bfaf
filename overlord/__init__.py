"""mmi-cli overlord: one Ultra and several normal servants, as stored conversations with a chat API."""

__version__ = "0.1.0"
