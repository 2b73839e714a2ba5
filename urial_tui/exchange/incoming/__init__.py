"""What comes in: a module for each format of other tools, and our own. Nothing that goes out imports this."""
