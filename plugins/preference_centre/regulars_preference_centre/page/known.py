"""Section 9: everything that is known of the customer, each fact with its kind, its source, its day and its use."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from regulars import (
    FactWords,
    InvalidInput,
    NotFound,
    SlotVisit,
    TraitInput,
    TraitReading,
    count_touchpoints,
    names_of,
    objections_of,
)
from regulars_preference_centre.answers import answers_of, forget_answer, questions
from regulars_preference_centre.models import PAGE
from regulars_preference_centre.page.forms import Form, WrongInput
from regulars_preference_centre.page.section import Done, Section
from regulars_preference_centre.page.stamps import day_of
from regulars_preference_centre.page.visit import Visit
from regulars_preference_centre.streams import in_language

__all__ = ["SECTION"]

PLACE = "customer.known"
SOURCE = "preferences"
STAFF = "staff"
GUESS = "inferred"
SAID = "declared"
ANSWER = "answer:"
TRUE = "yes"
DECIMAL_COMMA = ("de",)


async def _read(visit: Visit) -> Mapping[str, Any]:
    session, customer_id = visit.ctx.session, visit.customer_id
    facts = await visit.ctx.rights.facts(session, customer_id=customer_id, now=visit.now)
    objections = (await objections_of(session, customer_ids=[customer_id])).get(customer_id, ())
    keys = {*(one.key for one in facts), *(one.key for one in objections)}
    words = await visit.ctx.rights.words(session, keys=keys, language=visit.language)
    happened = await count_touchpoints(session, customer_id=customer_id)
    return {
        "facts": [*await _answers(visit), *(_shown(visit, fact, words[fact.key]) for fact in facts)],
        "has_guesses": any(fact.provenance == GUESS for fact in facts),
        "names": [
            {"kind": one.kind, "value": one.value, "source": one.source, "is_proved": one.is_verified}
            | {"since": day_of(visit, one.since)}
            for one in await names_of(session, customer_id=customer_id)
        ],
        "happened": [
            {"type": one.type, "count": one.count, "last": day_of(visit, one.last_at)}
            | {"first": day_of(visit, one.first_at)}
            for one in happened
        ],
        "deleted": [
            {
                "id": one.id,
                "title": words[one.key].title,
                "method": words[one.key].source or one.method,
                "since": day_of(visit, one.created_at),
            }
            for one in objections
            if one.kind == "deleted"
        ],
        "disputes": {one.key: one for one in objections if one.kind == "disputed"},
        "parts": await visit.ctx.slots.fill(PLACE, SlotVisit(customer_id, visit.language, visit.now)),
        "customer": visit.customer,
    }


def _shown(visit: Visit, fact: TraitReading, words: FactWords) -> Mapping[str, Any]:
    value, unit = fact.value, words.unit if fact.type == "number" else None
    if words.is_share and isinstance(value, Decimal):
        value, unit = round(value * 100, 1), "%"
    return {
        "key": fact.key,
        "title": words.title,
        "type": fact.type,
        "value": (words.values.get(value) if isinstance(value, str) else None) or _words(visit, value),
        "unit": unit,
        "typed": _typed(fact.value),
        "kind": fact.provenance,
        "source": words.source or fact.source,
        "day": None if fact.as_of is None else day_of(visit, fact.as_of),
        "used_for": words.used_for,
        "disputed": None if fact.disputed_at is None else day_of(visit, fact.disputed_at),
        "can_edit": fact.provenance == SAID and fact.type != "time" and not _is_plugins(fact),
        "can_dispute": fact.provenance != SAID,
    }


def _is_plugins(fact: TraitReading) -> bool:
    return fact.key.startswith(f"{fact.source}.")


async def _answers(visit: Visit) -> list[Mapping[str, Any]]:
    """Return what the customer told in the section above, as facts: it is known too."""
    told = await answers_of(visit.ctx.session, customer_id=visit.customer_id)
    usual = visit.ctx.company.languages[0]
    asked = {one.key: one for one in await questions(visit.ctx.session)} if told else {}
    return [
        {
            "key": f"{ANSWER}{key}",
            "title": in_language(asked[key].titles, visit.language, usual) if key in asked else key,
            "type": "text",
            "value": in_language(asked[key].options[answer.value], visit.language, usual)
            if key in asked and answer.value in asked[key].options
            else None
            if answer.value == TRUE
            else answer.value,
            "unit": None,
            "typed": answer.value,
            "kind": SAID,
            "source": SOURCE if answer.told_to == PAGE else STAFF,
            "day": day_of(visit, answer.told_at),
            "used_for": None,
            "is_for_aiming": answer.may_be_used,
            "disputed": None,
            "can_edit": False,
            "can_dispute": False,
        }
        for key, answer in told.items()
    ]


def _words(visit: Visit, value: object) -> str | bool:
    match value:
        case bool():
            return value
        case datetime():
            return day_of(visit, value).words
        case Decimal():
            figures = _typed(round(value, 2 if abs(value) >= 1 else 3))
            return figures.replace(".", ",") if visit.language in DECIMAL_COMMA else figures
        case _:
            return str(value)


def _typed(value: object) -> str:
    """Return a value as its field shows it and takes it back."""
    match value:
        case bool():
            return TRUE if value else ""
        case Decimal():
            return f"{value.normalize():f}"
        case _:
            return str(value)


async def _edit(visit: Visit, form: Form) -> Done:
    """Keep what the customer says of a fact that they told themselves."""
    fact = await _fact(visit, form)
    if "was" in form and form["was"] != _typed(fact.value) != form["value"].strip():
        return Done("edited", (fact.title,))  # it was told anew since the page was opened
    name = f"value-{fact.key}"
    given: str | Decimal | bool = form["value"].strip()
    if fact.type == "boolean":
        given = form["value"] == TRUE
    elif not given:
        raise WrongInput({name: "error_empty"})
    if fact.type == "number":
        try:
            given = Decimal(str(given).replace(",", "."))
        except InvalidOperation as error:
            raise WrongInput({name: "error_number"}) from error
    new = TraitInput(fact.key, given, "declared", SOURCE)
    try:
        await visit.ctx.rights.set_fact(visit.ctx.session, customer_id=visit.customer_id, given=new, now=visit.now)
    except InvalidInput as error:
        raise WrongInput({name: "error_value"}) from error
    return Done("edited")


async def _delete(visit: Visit, form: Form) -> Done:
    """Delete one fact: an answer, or a trait."""
    key = form["fact"]
    if key.startswith(ANSWER):
        await forget_answer(visit.ctx.session, customer_id=visit.customer_id, key=key.removeprefix(ANSWER))
        return Done("deleted")
    fact = await _fact(visit, form)
    await visit.ctx.rights.delete_facts(
        visit.ctx.session, customer_id=visit.customer_id, keys=[fact.key], now=visit.now
    )
    return Done("deleted_guess" if fact.provenance == GUESS else "deleted")


async def _delete_guesses(visit: Visit, form: Form) -> Done:
    """Delete all that was guessed."""
    facts = await visit.ctx.rights.facts(visit.ctx.session, customer_id=visit.customer_id, now=visit.now)
    guesses = [fact.key for fact in facts if fact.provenance == GUESS]
    await visit.ctx.rights.delete_facts(visit.ctx.session, customer_id=visit.customer_id, keys=guesses, now=visit.now)
    return Done("deleted_guesses")


async def _dispute(visit: Visit, form: Form) -> Done:
    """Note that a fact is wrong, in the customer's words if they say any."""
    fact = await _fact(visit, form)
    try:
        await visit.ctx.rights.dispute_fact(
            visit.ctx.session,
            customer_id=visit.customer_id,
            key=fact.key,
            reason=form["reason"].strip() or None,
            now=visit.now,
        )
    except InvalidInput as error:
        raise WrongInput({f"reason-{fact.key}": "error_reason"}) from error
    return Done("disputed")


async def _lift(visit: Visit, form: Form) -> Done:
    """Let a guess be made again, or call a fact right after all."""
    try:
        objection = await visit.ctx.rights.lift_objection(
            visit.ctx.session, customer_id=visit.customer_id, objection_id=UUID(form["objection"]), now=visit.now
        )
    except (ValueError, NotFound) as error:
        raise WrongInput({"": "error_gone"}) from error
    return Done("allowed" if objection.kind == "deleted" else "undisputed")


async def _fact(visit: Visit, form: Form) -> TraitReading:
    facts = await visit.ctx.rights.facts(visit.ctx.session, customer_id=visit.customer_id, now=visit.now)
    found = next((fact for fact in facts if fact.key == form["fact"]), None)
    if found is None:
        raise WrongInput({"": "error_gone"})
    return found


SECTION = Section(
    "known",
    "preferences/known.html",
    _read,
    {"edit": _edit, "delete": _delete, "delete_guesses": _delete_guesses, "dispute": _dispute, "lift": _lift},
)
