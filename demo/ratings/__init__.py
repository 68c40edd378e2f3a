"""The blind test behind the page: what is shown, how votes are kept, and what they say."""
