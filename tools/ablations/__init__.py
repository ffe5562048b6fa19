"""Which of the paper's ideas matter: heads trained with each of them left out, on features that are computed once."""
