"""The model's five verbs, run faster: each engine is a snapshot held equal to the plain form by one test."""
