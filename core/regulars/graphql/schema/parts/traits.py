"""Filter and sort customers by facts about them, whichever plugin or person they come from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import FromClause, and_, select, true
from sqlalchemy.sql import coercions, roles
from sqlalchemy.sql.elements import ColumnElement

from regulars.fields.filters import BooleanFilter, DateTimeFilter, DecimalFilter, StringFilter, filter_predicate
from regulars.fields.policy import adapted
from regulars.graphql.schema.composed_inputs import InputField, InputTypes
from regulars.graphql.schema.where import ExtraFilter, ExtraSort, Filters, Reader, SortKey, primary_key
from regulars.plugins.contributions import Trait
from regulars.traits.models import TraitValue

__all__ = ["company_trait_filter", "trait_filters", "trait_sorts"]

TRAITS_READ = "traits:read"

FILTERS = {"text": StringFilter, "number": DecimalFilter, "boolean": BooleanFilter, "time": DateTimeFilter}


def trait_filters(inputs: InputTypes, traits: Sequence[Trait]) -> list[ExtraFilter]:
    """Return the filter ``traits`` of customers, with a field for each filterable trait of the plugins."""
    known = {_name(trait.key): trait for trait in traits if trait.filterable}
    if not known:
        return []
    words = [
        InputField(name, FILTERS[trait.type], f"On `{trait.key}` ({trait.provenance}): {trait.title}.")
        for name, trait in known.items()
    ]
    kind = inputs.make("CustomerTraitsFilter", "On facts about a customer; all that is given must hold.", words)

    def predicate(given: Mapping[str, Any], source: FromClause, reader: Reader, _: Filters) -> ColumnElement[bool]:
        conditions = []
        for name, condition in given.items():
            if condition is not None:
                reader.require(known[name].permission)
                conditions.append(filter_predicate(_value(known[name])(source), condition))
        return and_(true(), *conditions)

    return [ExtraFilter("traits", "On facts about the customer that plugins keep.", kind, predicate)]


def trait_sorts(traits: Sequence[Trait]) -> list[ExtraSort]:
    """Return the orders of customers by sortable traits, such as ``TRAIT_CLV_VALUE``."""
    return [
        ExtraSort(f"TRAIT_{trait.key.replace('.', '_').upper()}", SortKey(_value(trait), trait.permission))
        for trait in traits
        if trait.sortable
    ]


def company_trait_filter(inputs: InputTypes) -> ExtraFilter:
    """Return the filter ``companyTraits`` of customers, for facts that the company defined itself."""
    words = [InputField("key", str, "Which fact.", is_required=True)]
    words += [InputField(name, kind, f"On a value of type {name}.") for name, kind in FILTERS.items()]
    kind: Any = inputs.make("CompanyTraitFilter", "A condition on a fact that the company defined.", words)
    return ExtraFilter(
        "companyTraits",
        "On facts that the company defined; all must hold.",
        list[kind],
        _on_company_traits,
    )


def _on_company_traits(
    given: Sequence[Mapping[str, Any]], source: FromClause, reader: Reader, _: Filters
) -> ColumnElement[bool]:
    reader.require(TRAITS_READ)
    return and_(
        true(),
        *(
            filter_predicate(_company_value(wanted["key"], type, source), wanted[type])
            for wanted in given
            for type in FILTERS
            if wanted.get(type) is not None
        ),
    )


def _company_value(key: str, type: str, source: FromClause) -> ColumnElement[Any]:
    one = TraitValue.__table__.alias()  # type: ignore[attr-defined]
    # Of merged profiles the customer's own value counts, else the newest.
    return (
        select(one.c[f"{type}_value"])
        .where(one.c.customer_id == primary_key(source), one.c.key == key)
        .order_by((one.c.profile_id == one.c.customer_id).desc(), one.c.as_of.desc())
        .limit(1)
        .correlate(source)
        .scalar_subquery()
    )


def _value(trait: Trait) -> Callable[[FromClause], ColumnElement[Any]]:
    value = coercions.expect(roles.ColumnArgumentRole, trait.column)
    owner = coercions.expect(roles.ColumnArgumentRole, trait.customer_id)

    def expression(source: FromClause) -> ColumnElement[Any]:
        one = owner.table.alias()
        wanted = select(adapted(value, one)).where(adapted(owner, one) == primary_key(source))
        return wanted.correlate(source).scalar_subquery()

    return expression


def _name(key: str) -> str:
    first, *others = key.replace(".", "_").split("_")
    return first + "".join(word.capitalize() for word in others)
