"""Customers: who they are, under which names they are known, and how two become one."""
