"""Answering field by field: permissions, containment of plugins, loaders."""
