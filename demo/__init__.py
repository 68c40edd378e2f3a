"""The web page: everything that a visitor sees."""
