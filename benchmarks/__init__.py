"""Measurements, and the plain forms that the library is measured against."""
