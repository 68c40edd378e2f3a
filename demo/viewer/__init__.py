"""The linked panes: what they show as data, and the component that a browser runs.

Imports the parts and srgan's images; the engine and the tabs import it.
"""
