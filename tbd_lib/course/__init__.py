"""What the lessons need: figures, inspectors, exercises."""
