"""What computes and holds results: comparisons, their scores, the cache, the examples.

Imports srgan and, for what is shown, the viewer's data. Every tab may import it.
"""
