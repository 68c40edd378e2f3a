"""What computes and holds results: comparisons, their scores, the cache, the examples.

Imports srgan and pydantic, nothing of the demo. Every tab may import it.
"""
