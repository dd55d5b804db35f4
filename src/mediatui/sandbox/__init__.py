"""A service that speaks fal's protocol on this machine and renders real media: everything can be tried for free."""
