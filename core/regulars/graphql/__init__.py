"""GraphQL: the schema of one set of plugins, and how an operation is answered."""
