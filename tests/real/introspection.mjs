// Prints, as a JSON list, the introspection query of graphql-js with every set of its options.
// GraphiQL, Apollo, urql, Relay and PostGraphile take theirs from there.
import { getIntrospectionQuery } from "graphql";

const options = [
  "descriptions",
  "specifiedByUrl",
  "directiveIsRepeatable",
  "schemaDescription",
  "inputValueDeprecation",
  "experimentalDirectiveDeprecation",
  "oneOf",
];

const queries = [];
for (let set = 0; set < 2 ** options.length; set += 1) {
  queries.push(getIntrospectionQuery(Object.fromEntries(options.map((name, bit) => [name, Boolean(set & (1 << bit))]))));
}
console.log(JSON.stringify(queries));
