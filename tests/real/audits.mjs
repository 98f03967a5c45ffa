// Runs the audits of the npm package graphql-http against a server, and prints [{ id, name, status, reason }] as JSON.
//
//     node audits.mjs http://127.0.0.1:8000/graphql
import { serverAudits } from "graphql-http";

const url = process.argv[2];
const headers = process.argv[3] ? JSON.parse(process.argv[3]) : {};

const fetchFn = (target, options = {}) => fetch(target, { ...options, headers: { ...headers, ...options.headers } });

const results = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  results.push({ id, name, status, reason });
}
console.log(JSON.stringify(results));
