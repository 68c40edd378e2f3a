"""The Compare tab: from a dropped photo to linked panes, their scores, and the dial.

Imports the engine, the viewer, the panel under the panes and the parts; `demo.page` imports it.
"""
