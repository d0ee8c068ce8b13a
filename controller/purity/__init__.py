"""Purity held: set by the manager for a product, kept by the price of impurity."""
