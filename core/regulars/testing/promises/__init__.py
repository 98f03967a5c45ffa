"""What every plugin promises, each as a check that raises an ``AssertionError`` which says what is wrong."""
