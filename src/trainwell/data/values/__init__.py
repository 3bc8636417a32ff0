"""Raw inputs as values, and how they are named in messages: what every kind and every reader needs."""
