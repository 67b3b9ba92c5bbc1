// The client of the official suite's servers, which is the door: this asks its keeper for a door before the server that
// the suite names, and uses all that the server offers through it. The suite says in the environment which revision it
// plays and what else a client must know; KEEPER is the address of the keeper. Argument: the server's URL.
//
// Where the door says that an account must be connected, the keeper's person visits the page that it names, as somebody
// would in whose client the answer comes up, and what was refused is tried again.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const MODERN = '2026-07-28';
const MOST_VISITS = 4;
const PAGE = /http:\/\/[^\s"\\]+\/account\/connect\/[a-z0-9-]+/;
const INVALID_PARAMS = -32602;
/** Tools that the door may not pass on, whoever calls them: the suite's server lists them with headers that no client may send. */
const FORBIDDEN = {
  'http-invalid-tool-headers': [
    'invalid_empty_header',
    'invalid_number_header',
    'invalid_duplicate_diff_case',
    'invalid_space_in_name',
    'invalid_control_char_name',
  ],
};
const { KEEPER, MCP_CONFORMANCE_CONTEXT, MCP_CONFORMANCE_PROTOCOL_VERSION: revision } = process.env;
const { name: scenario, ...context } = {
  name: process.env.MCP_CONFORMANCE_SCENARIO,
  ...JSON.parse(MCP_CONFORMANCE_CONTEXT ?? '{}'),
};

const keeper = async (what, body) => {
  const response = await fetch(`${KEEPER}/${what}`, { method: 'POST', body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`the keeper: ${text}`);
  return JSON.parse(text);
};

/** The smallest value that a schema takes; what has a default is left to it. */
const sample = (schema) => {
  if (schema.enum) return schema.enum[0];
  if (schema.type === 'object') {
    const needed = Object.entries(schema.properties ?? {}).filter(([name]) => schema.required?.includes(name));
    return Object.fromEntries(needed.map(([name, each]) => [name, sample(each)]));
  }
  return { string: 'word', integer: 1, number: 1, boolean: true, array: [] }[schema.type] ?? 'word';
};

/** What a person fills in who accepts a form: all that has no default. */
const filled = ({ properties = {} }) => {
  const open = Object.entries(properties).filter(([, each]) => each.default === undefined);
  return Object.fromEntries(open.map(([name, each]) => [name, sample(each)]));
};

let page;
/** Passes requests on, and sees on the wire where the door asks for an account: some of what it says the client swallows. */
const seeing = async (...request) => {
  const response = await fetch(...request);
  if (response.headers.get('content-type')?.startsWith('application/json')) {
    page = PAGE.exec(await response.clone().text())?.[0] ?? page;
  }
  return response;
};

let visits = 0;
/** Does something, and again each time that an account had to be connected first. */
const connected = async (operation) => {
  for (;;) {
    page = undefined;
    const outcome = await operation().then(
      (answer) => () => answer,
      (error) => () => {
        throw error;
      },
    );
    if (!page) return outcome();
    visits += 1;
    if (visits > MOST_VISITS) throw new Error(`the door asks for an account again and again: ${page}`);
    const visit = await keeper('visit', { url: page });
    console.log(`visited ${page}: ${visit.status} ${visit.title}: ${visit.text ?? visit.error}`);
    if (visit.status !== 200) throw new Error('no account could be connected');
  }
};

/** Uses something that the server may refuse for its own reasons, or the door for the definition of it. */
const used = async (what, operation) => {
  try {
    console.log(what, JSON.stringify(await connected(operation)));
  } catch (error) {
    console.log(what, `refused: ${error.code} ${error.message}`);
    if (error.code !== INVALID_PARAMS) process.exitCode = 1;
  }
};

const { url, token } = await keeper('open', { url: process.argv.at(-1), revision, scenario, context });
const client = await connected(async () => {
  const client = new Client(
    { name: 'doorward-suite', version: '1' },
    {
      capabilities: { elicitation: { form: { applyDefaults: true }, url: {} } },
      versionNegotiation: { mode: revision === MODERN ? { pin: MODERN } : 'legacy' },
    },
  );
  client.setRequestHandler('elicitation/create', async ({ params }) => ({
    action: 'accept',
    content: filled(params.requestedSchema ?? {}),
  }));
  const headers = { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, fetch: seeing }));
  return client;
});

const offers = client.getServerCapabilities() ?? {};
const { tools } = await connected(() => client.listTools());
for (const tool of tools) {
  if (context.toolCalls) break;
  await used(`tool ${tool.name}`, () => client.callTool({ name: tool.name, arguments: sample(tool.inputSchema) }));
}
for (const { name, arguments: written } of context.toolCalls ?? []) {
  // A `null` where the schema wants something else is refused by the door: what is not there is left out.
  const given = Object.fromEntries(Object.entries(written).filter(([, value]) => value !== null));
  await used(`tool ${name}`, () => client.callTool({ name, arguments: given }));
}
for (const name of FORBIDDEN[scenario] ?? []) {
  await used(`tool ${name}`, () => client.callTool({ name, arguments: {} }));
}
if (offers.resources) {
  for (const { uri } of (await connected(() => client.listResources())).resources) {
    await used(`resource ${uri}`, () => client.readResource({ uri }));
  }
}
if (offers.prompts) {
  for (const { name } of (await connected(() => client.listPrompts())).prompts) {
    await used(`prompt ${name}`, () => client.getPrompt({ name }));
  }
}
await client.close();
