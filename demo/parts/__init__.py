"""Small pieces that several tabs use: templates, drawing, links, events.

Imports nothing of the demo; everything may import it.
"""
