"""Section 7: what matters most to the customer, what stops them, and who they say they are."""

from collections.abc import Mapping, Sequence
from typing import Any

from regulars_preference_centre.answers import answers_of, keep_answers, questions
from regulars_preference_centre.models import Answer, Question
from regulars_preference_centre.page.forms import Form
from regulars_preference_centre.page.section import Action, Done, Section
from regulars_preference_centre.page.stamps import day_of
from regulars_preference_centre.page.visit import Visit
from regulars_preference_centre.streams import in_language, streams

__all__ = ["SECTION"]

FORMS = {"values": "matter", "stops": "roadblock", "facts": "fact"}
"""The forms of the section, each with the kind of question that it asks."""

YES = "yes"
AIM = "aim"


async def _read(visit: Visit) -> Mapping[str, Any] | None:
    asked = await questions(visit.ctx.session)
    if not asked:
        return None
    told = await answers_of(visit.ctx.session, customer_id=visit.customer_id)
    offered = await streams(visit.ctx.session, with_retired=True)
    usual = visit.ctx.company.languages[0]
    topics = {stream.topic: in_language(stream.titles, visit.language, usual) for stream in offered}
    return {
        "forms": {
            name: {
                "questions": [_shown(visit, one, told.get(one.key), topics) for one in asked if one.kind == kind],
                "aim": _aims(asked, told, kind),
            }
            for name, kind in FORMS.items()
        }
    }


def _shown(visit: Visit, question: Question, answer: Answer | None, topics: Mapping[str, str]) -> Mapping[str, Any]:
    usual = visit.ctx.company.languages[0]
    return {
        "key": question.key,
        "title": in_language(question.titles, visit.language, usual),
        "topic": topics.get(question.topic or ""),
        "options": {value: in_language(words, visit.language, usual) for value, words in question.options.items()},
        "is_tick": question.kind == "roadblock" and not question.options,
        "value": "" if answer is None else answer.value,
        "told": None if answer is None else day_of(visit, answer.told_at),
    }


def _aims(asked: Sequence[Question], told: Mapping[str, Answer], kind: str) -> bool:
    given = [told[one.key] for one in asked if one.kind == kind and one.key in told]
    return bool(given) and all(answer.may_be_used for answer in given)


def _keeping(name: str) -> Action:
    """Return what keeps the answers of one form: only what was changed in it, unless it was changed elsewhere since."""

    async def keep(visit: Visit, form: Form) -> Done:
        asked = [one for one in await questions(visit.ctx.session) if one.kind == FORMS[name]]
        told = await answers_of(visit.ctx.session, customer_id=visit.customer_id)
        usual = visit.ctx.company.languages[0]
        now_said = {key: answer.value for key, answer in told.items()}
        wanted, kept = {}, []
        for question in asked:
            before, given = form[f"was.{question.key}"], form[f"q.{question.key}"].strip()
            current = now_said.get(question.key, "")
            if given in (before, current):
                continue
            if current != before:
                kept.append(in_language(question.titles, visit.language, usual))
            else:
                wanted[question.key] = given
        may_be_used, was_used = AIM in form, form[f"was.{AIM}"] == YES
        if may_be_used != was_used:
            wanted = {**{one.key: now_said[one.key] for one in asked if one.key in now_said}, **wanted}
        await keep_answers(
            visit.ctx.session,
            customer_id=visit.customer_id,
            answers=wanted,
            may_be_used=may_be_used,
            now=visit.now,
        )
        return Done(name, tuple(kept))

    return keep


SECTION = Section("matters", "preferences/matters.html", _read, {name: _keeping(name) for name in FORMS})
