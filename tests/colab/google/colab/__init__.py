"""A stand-in for the module that only Colab has: what lessons use of it."""
