"""Sign-in: staff who come with a token of the company's identity provider, or with a session in a browser."""
