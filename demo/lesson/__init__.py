"""Why the squared error blurs: the third tab."""
