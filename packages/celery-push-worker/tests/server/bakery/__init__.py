"""A site whose answers are of every kind, without a line for this package."""
