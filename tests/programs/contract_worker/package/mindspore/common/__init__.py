"""Holds api."""
