"""What a newcomer reads when the demo is ready."""

import json
from urllib.parse import quote_plus

from regulars.demo.people import MAIL_DOMAIN
from regulars.demo.preparation import CDNOW, History
from regulars.demo.settings import LOG, MAILS

__all__ = ["EXAMPLE_QUERY", "graphiql_address", "welcome"]

EXAMPLE_QUERY = """\
query TopCustomers {
  customers(
    first: 10
    orderBy: [{field: CLV_VALUE, direction: DESC}]
  ) {
    nodes {
      displayName
      clv {
        value { amount currency }
        low { amount }
        high { amount }
        tier
        pAlive
        expectedOrders
        modelVersion
        asOf
        warnings
      }
      touchpoints(first: 3) {
        nodes {
          type
          occurredAt
          channel
          amount { amount currency }
        }
      }
    }
  }
}
"""


def graphiql_address(server_address: str, *, key: str, history: History) -> str:
    """Return the address of GraphiQL with the example query and the key behind the ``#``, which no server ever sees."""
    says = "The people are invented, the orders are CDNOW's." if history.source == CDNOW else "All of it is invented."
    query = quote_plus(f"# {says}\n{EXAMPLE_QUERY.strip()}", safe="(){}[]:,")
    return f"{server_address}/graphql#key={key}&query={query}"


def welcome(server_address: str, *, key: str, history: History, place: str, customer: str | None = None) -> str:
    """Return what is printed: where to look, the key, what of it all is invented, and the ``place`` of the data.

    ``customer`` is the e-mail address of somebody whose own page can be opened.
    """
    body = json.dumps({"query": " ".join(EXAMPLE_QUERY.split())})
    return f"""
Regulars is ready at {server_address}

  GraphiQL, with an example query: the top customers by lifetime value, and what happened last.
  {graphiql_address(server_address, key=key, history=history)}

  The same from a shell:
  curl -s {server_address}/graphql -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' -d '{body}'

  API key, for an admin: {key}

  Plugins, jobs and problems on one page, for whoever signs in with that key: {server_address}/console
{_page(server_address, customer)}
  {_real(history)}
  Invented: names, e-mail addresses (@{MAIL_DOMAIN}), places, times of day, how people came and what that cost, refunds,
  service calls, consents, and a margin of 35 %. The source of invented touchpoints is "invented".

  Ctrl-C ends it. The data stay in {place}; remove that to begin anew. The server's log is {LOG}.
"""


def _page(server_address: str, customer: str | None) -> str:
    if customer is None:
        return ""
    return f"""
  A customer's own page, with everything that is known and can be chosen: {server_address}/preferences
  Ask there for a link to {customer}. No mail leaves the demo: they lie in {MAILS},
  unless you said where mails go.
"""


def _real(history: History) -> str:
    if history.source != CDNOW:
        return (
            "Nothing is real: the orders are simulated by published models.\n"
            "  For real ones run: pip install 'regulars[demo]'."
        )
    return (
        f"Real: days and amounts of {len(history.purchases):,} orders (CDNOW 1997-98; Fader and Hardie, 2001),\n"
        "  moved in time so that they ended the day before the first start."
    )
