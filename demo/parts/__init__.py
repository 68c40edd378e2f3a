"""Small pieces that several tabs use: templates, drawing, links, events, memory.

Imports nothing of the demo; everything may import it.
"""
