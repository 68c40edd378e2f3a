"""The How it works tab: why the average of sharp patches is soft, on the visitor's photo.

Imports the engine, the viewer and the parts; `demo.page` imports it.
"""
