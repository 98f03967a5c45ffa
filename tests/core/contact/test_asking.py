from regulars.testing.app import App

ASK = """query ($customer: ID!, $request: ContactRequestInput!) {
  contactDecision(customerId: $customer, request: $request) {
    outcome rule until wakeOn policyVersion isTimeZoneAssumed evidence
    blockers { rule owner kind until reason evidence }
  }
}"""
GRANT = """mutation ($customer: ID!) {
  consentGrant(input: {customerId: $customer, purpose: "marketing.own", channel: "email", reason: "said so",
                       noticeVersion: "n1", language: "en"}) { consent { id } errors { code } }
}"""
NEWSLETTER = {"channel": "email", "class": "marketing"}


async def test_silence_is_no_and_says_so_in_a_sentence(app: App) -> None:
    anna = await app.add_customer("Anna")

    decision = (await app.gql(ASK, {"customer": str(anna), "request": NEWSLETTER}))["contactDecision"]

    assert (decision["outcome"], decision["rule"], decision["until"]) == ("DENY", "no_consent", None)
    assert decision["policyVersion"] == "p1"
    assert decision["isTimeZoneAssumed"]
    assert decision["blockers"] == [
        {
            "rule": "no_consent",
            "owner": "core",
            "kind": "DENY",
            "until": None,
            "reason": "Nobody has granted marketing.own by email.",
            "evidence": [],
        }
    ]


async def test_a_grant_is_the_evidence_of_a_yes(app: App) -> None:
    anna = await app.add_customer("Anna")
    granted = (await app.gql(GRANT, {"customer": str(anna)}))["consentGrant"]

    decision = (await app.gql(ASK, {"customer": str(anna), "request": NEWSLETTER}))["contactDecision"]

    assert granted["errors"] == []
    assert (decision["outcome"], decision["rule"], decision["blockers"]) == ("ALLOW", "allowed", [])
    assert len(decision["evidence"]) == 1


async def test_asking_leaves_no_trace(app: App) -> None:
    anna = await app.add_customer("Anna")

    await app.gql(ASK, {"customer": str(anna), "request": NEWSLETTER})

    told = await app.gql(
        "query ($id: ID!) { customer(id: $id) { contactDecisions { totalCount } } }", {"id": str(anna)}
    )
    assert told["customer"]["contactDecisions"]["totalCount"] == 0
