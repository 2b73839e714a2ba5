"""urial-tui: chat with untuned base models in the terminal, offline, through URIAL prompts."""

__version__ = "0.1.0"
