"""Run the migrations of one owner on the connection that `regulars.migrations` hands over."""

from regulars.migrations import run_migrations_of_one_owner

run_migrations_of_one_owner()
