"""The query planner: one SQL statement for a whole query, or for a row that a mutation returned, which returns JSON.

The way of a request, from the top, with the module that takes each step:

```
execution       a prepared operation, its variables, who asks
   │  Asking    what is asked: a whole query, or one returned row                          asking
   ▼
Planner.answer, Planner.row                                                                planner
   │  is there a plan? else make one                                                       planning, plans
   │     Selecting walks the selection; each field becomes SQL by its declaration:         selecting, selected
   │        column      → a value                                                          columns
   │        relation, lookup, node → a correlated sub-select                               related
   │        connection  → a page, its cursors, totalCount                                  paging
   │        batch       → a slot that holds what it requires                               slots
   │        refused     → null, noted for later
   │        resolver    → NotPlanned: the executor answers                                 not_planned
   │     JSON is written as each database does                     json_sql, json_on_postgres, json_on_sqlite
   │     what depends on arguments is a part of its own, written for each request          parts
   │     what is to be done with the answer is kept with it                                drafts
   │     SQLAlchemy compiles it once, and tells which value goes where                     statements
   ▼
run it; SQL of a plugin that fails is left out                                             reading
   ▼
errors at their paths, answers of batch fields                                             finishing
   ▼
JSON in bytes, spliced into the answer; or None: executed field by field                   field_by_field
```

The same document by somebody with the same permissions finds its plan, whatever its variables; another page, filter or
text fills the same plan, and another shape of them is another statement of it. ``reports`` and ``explaining`` tell how
an operation was, or would be, answered. Whatever the planner does, the executor's answer is the measure:
``tests/plugins/together`` compares the two on invented operations.
"""
