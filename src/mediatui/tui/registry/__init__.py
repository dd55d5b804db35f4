"""The actions, one table for each part of the interface."""
