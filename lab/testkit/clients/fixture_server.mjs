// The server that the official conformance runner asks for, on the TypeScript v2 server package. Arguments: port (0 for
// any free one), and `legacy` (2025-11-25), `modern` (2026-07-28) or `dual` (both at one address). Prints its address
// when it is ready. All of them offer everything under the same names, each by the means of its revision.
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import {
  CLIENT_CAPABILITIES_META_KEY,
  McpServer,
  ResourceNotFoundError,
  ResourceTemplate,
  WebStandardStreamableHTTPServerTransport,
  acceptedContent,
  createMcpHandler,
  createRequestStateCodec,
  fromJsonSchema,
  hostHeaderValidationResponse,
  inputRequired,
  inputResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
} from '@modelcontextprotocol/server';

const VERSIONS = { legacy: '2025-11-25', modern: '2026-07-28' };
const MODES = [...Object.keys(VERSIONS), 'dual'];
const PATH = '/mcp';
const RETRY_MS = 200;
// More than a relay which hides things from some people may repeat as it is.
const LISTS = { ttlMs: 1000, cacheScope: 'public' };
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mNgmJkGAAGcAQDme/frAAAAAElFTkSuQmCC';
const WAV = 'UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICAgICAgA==';

const [port, mode] = process.argv.slice(2);
if (!/^\d+$/.test(port) || !MODES.includes(mode)) {
  console.error(`usage: fixture_server.mjs PORT ${MODES.join('|')}`);
  process.exit(2);
}

// What the tools and prompts say.

const image = { type: 'image', data: PNG, mimeType: 'image/png' };
const audio = { type: 'audio', data: WAV, mimeType: 'audio/wav' };
const words = (text) => ({ type: 'text', text });
const embedded = (uri, mimeType, text) => ({ type: 'resource', resource: { uri, mimeType, text } });
const answer = (...content) => ({ content });
const says = (text) => answer(words(text));
const messages = (...content) => ({ messages: content.map((each) => ({ role: 'user', content: each })) });

// What they take, and what they ask for.

const optional = (properties) => ({ type: 'object', properties });
const object = (properties) => ({ ...optional(properties), required: Object.keys(properties) });
const TEXT = { type: 'string' };
const string = (description) => ({ ...TEXT, description });
const titled = (...titles) => titles.map((title, at) => ({ const: `value${at + 1}`, title }));
const OPTIONS = ['option1', 'option2', 'option3'];

const NOTHING = optional({});
const FORMS = {
  account: object({ username: string('The name of the user'), email: string('Where to write to the user') }),
  color: object({ color: TEXT }),
  consent: object({ ok: { type: 'boolean' } }),
  context: object({ context: TEXT }),
  name: object({ name: TEXT }),
  defaults: optional({
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  }),
  choices: optional({
    untitledSingle: { type: 'string', enum: OPTIONS },
    titledSingle: { type: 'string', oneOf: titled('First option', 'Second option', 'Third option') },
    legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option 1', 'Option 2', 'Option 3'] },
    untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
    titledMulti: { type: 'array', items: { anyOf: titled('First choice', 'Second choice', 'Third choice') } },
  }),
};

// Words of JSON Schema 2020-12 that a relay which rebuilds schemas would lose.
const ADDRESS_BOOK = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $defs: {
    address: { $anchor: 'addressDef', type: 'object', properties: { street: TEXT, city: TEXT } },
  },
  type: 'object',
  properties: {
    name: TEXT,
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: TEXT,
    email: TEXT,
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

// Every schema is one object for the life of the process, and compiled once: servers are made for single requests.
const compiled = new Map();
function compile(schema) {
  if (!compiled.has(schema)) compiled.set(schema, fromJsonSchema(schema));
  return compiled.get(schema);
}

const form = (message, requestedSchema) => inputRequired.elicit({ message, requestedSchema });
const sample = (text, maxTokens = 100) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: words(text) }], maxTokens });
const roots = () => inputRequired.listRoots();

// Questions and answers. Handlers ask as 2026-07-28 does, and run again with what was answered; in a session of
// 2025-11-25 the package asks by requests of its own, and runs them again within the call.

// Signed, and good for the request it was made for alone: the header names what is called, and is checked against it.
const states = createRequestStateCodec({
  key: randomBytes(32),
  bind: (ctx) => `${ctx.mcpReq.method} ${ctx.http?.req?.headers.get('mcp-name')}`,
});
const KINDS = { 'elicitation/create': 'elicit', 'sampling/createMessage': 'sampling', 'roots/list': 'roots' };

// The answers to all of the requests by their keys, or the result that asks for them. Given a state, answers count only
// with the state of the same step.
async function ask(ctx, inputRequests, state) {
  const given = ctx.mcpReq.inputResponses;
  const answers = {};
  let done = state === undefined || ctx.mcpReq.requestState()?.step === state.step;
  for (const [key, request] of Object.entries(inputRequests)) {
    answers[key] = inputResponse(given, key);
    done &&= answers[key].kind === KINDS[request.method];
    const filled = answers[key].action === 'accept';
    // Nothing between the person and this server has to have looked at the content.
    if (filled) done &&= Boolean(acceptedContent(given, key, compile(request.params.requestedSchema)));
  }
  if (done) return { answers };
  const requestState = state && (await states.mint(state, ctx));
  return { question: inputRequired({ inputRequests, ...(requestState && { requestState }) }) };
}

// A handler that asks once: `requests` are made of the arguments, the result of the answers.
const asks = (requests, then, state) => async (args, ctx) => {
  const { question, answers } = await ask(ctx, requests(args), state);
  return question ?? then(answers);
};
const reply = ({ action, content }) => JSON.stringify({ action, content });
const sampled = ({ result }) => [result.content].flat().map((each) => each.text ?? each.type).join(' ');

const asksPerson = (key, message, schema, lead = '', state = undefined) =>
  asks(() => ({ [key]: form(message, schema) }), (answers) => says(lead + reply(answers[key])), state);
const asksModel = (key, prompt) => asks(() => ({ [key]: sample(prompt) }), (answers) => says(sampled(answers[key])));

// Tools.

async function logging(_, ctx) {
  for (const said of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
    await ctx.mcpReq.log('info', said);
    await pause(50);
  }
  return says('Logged three messages.');
}

async function progress(_, ctx) {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  for (const done of [0, 50, 100]) {
    const params = { progressToken, progress: done, total: 100, message: `${done} of 100` };
    if (progressToken !== undefined) await ctx.mcpReq.notify({ method: 'notifications/progress', params });
    await pause(50);
  }
  return says('Made progress three times.');
}

// Calls that were given up, by the keys that their callers gave them.
const givenUp = new EventTarget();
const keys = new Set();
// Longer than anybody waits who means to give up.
const PATIENCE = 20_000;

// Says that it has begun, and waits for its caller to give up.
async function slow({ key }, ctx) {
  const params = { progressToken: ctx.mcpReq._meta?.progressToken, progress: 1, total: 2 };
  if (params.progressToken !== undefined) await ctx.mcpReq.notify({ method: 'notifications/progress', params });
  try {
    await pause(PATIENCE, undefined, { signal: ctx.mcpReq.signal });
    return says('Waited.');
  } catch (given) {
    keys.add(key);
    givenUp.dispatchEvent(new Event(key));
    throw given;
  }
}

async function noticed({ key }) {
  const enough = AbortSignal.timeout(PATIENCE);
  if (!keys.has(key)) await once(givenUp, key, { signal: enough }).catch(() => {});
  return says(keys.has(key) ? 'given up' : 'never given up');
}

// Without sessions there is no stream to come back to: it is a plain call there.
async function reconnection(_, ctx) {
  ctx.http?.closeSSE?.();
  await pause(100);
  return says('Answered after the stream was closed.');
}

async function multiRound(_, ctx) {
  let state = ctx.mcpReq.requestState();
  if (state?.step !== 2) {
    const step1 = form('Step 1: what is your name?', FORMS.name);
    const { question, answers } = await ask(ctx, { step1 }, { step: 1 });
    if (question) return question;
    state = { step: 2, name: answers.step1.content?.name };
  }
  const step2 = form('Step 2: what is your favorite color?', FORMS.color);
  const { question, answers } = await ask(ctx, { step2 }, state);
  return question ?? says(`${state.name} likes ${answers.step2.content?.color}.`);
}

async function whatItCan(_, ctx, server) {
  // Said with this request, or when the session began.
  const declared = ctx.mcpReq.envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? server.server.getClientCapabilities();
  const able = {
    ...(declared?.elicitation && { user_name: form('What is your name?', FORMS.name) }),
    ...(declared?.sampling && { greeting: sample('Write a greeting.') }),
    ...(declared?.roots && { client_roots: roots() }),
  };
  if (Object.keys(able).length === 0) return says('The client can be asked for nothing.');
  const { question, answers } = await ask(ctx, able);
  return question ?? says(`Asked for ${Object.keys(answers).join(', ')}.`);
}

const triggers = (does) => () => {
  does();
  return says('Changed.');
};

// The runner calls the first one without arguments: it must be one that takes none.
const TOOLS = {
  test_simple_text: ['Answers with text', () => says('This is a simple text response for testing.')],
  test_image_content: ['Answers with an image', () => answer(image)],
  test_audio_content: ['Answers with a sound', () => answer(audio)],
  test_embedded_resource: [
    'Answers with a resource',
    () => answer(embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')),
  ],
  test_multiple_content_types: [
    'Answers with text, an image and a resource',
    () => answer(words('Several types of content:'), image, embedded('test://mixed', 'application/json', '{"a":1}')),
  ],
  test_error_handling: [
    'Always fails',
    () => {
      throw new Error('This tool fails on purpose.');
    },
  ],
  test_tool_with_logging: ['Logs three messages as it goes', logging],
  test_logging_tool: ['Logs three messages as it goes, if the request wants any', logging],
  test_tool_with_progress: ['Tells of its progress', progress],
  test_slow: ['Waits until its caller gives up', slow, object({ key: string('Under which to ask about it') })],
  test_slow_noticed: ['Says whether that was noticed', noticed, object({ key: string('What the call was given') })],
  test_reconnection: ['Closes the stream of its call, and answers later', reconnection],
  json_schema_2020_12_tool: ['Repeats its arguments', (args) => says(JSON.stringify(args)), ADDRESS_BOOK],
  test_x_mcp_header: [
    'Repeats an argument that is in a header too',
    ({ region }) => says(`The region is ${region}.`),
    object({ region: { ...string('Where to run'), 'x-mcp-header': 'Region' } }),
  ],
  test_sampling: [
    'Asks a model',
    asks(
      ({ prompt }) => ({ completion: sample(prompt) }),
      ({ completion }) => says(`LLM response: ${sampled(completion)}`),
    ),
    object({ prompt: string('What to ask') }),
  ],
  test_elicitation: [
    'Asks a person',
    asks(
      ({ message }) => ({ account: form(message, FORMS.account) }),
      ({ account }) => says(`User response: ${reply(account)}`),
    ),
    object({ message: string('What to show to the person') }),
  ],
  test_elicitation_sep1034_defaults: [
    'Asks with default values',
    asksPerson('profile', 'Please look over your profile.', FORMS.defaults),
  ],
  test_elicitation_sep1330_enums: [
    'Asks to choose, in every way there is',
    asksPerson('choices', 'Please choose.', FORMS.choices),
  ],
  test_streaming_elicitation: ['Asks for consent', asksPerson('consent', 'May this go on?', FORMS.consent)],
  test_missing_capability: ['Cannot do without a model', asksModel('completion', 'Say anything.')],
  test_input_required_result_elicitation: [
    'Asks for a name',
    asks(
      () => ({ user_name: form('What is your name?', FORMS.name) }),
      ({ user_name: { action, content } }) => says(content ? `Hello, ${content.name}!` : `Hello, ${action}.`),
    ),
  ],
  test_input_required_result_sampling: [
    'Asks a model about France',
    asksModel('capital_question', 'What is the capital of France?'),
  ],
  test_input_required_result_list_roots: [
    'Asks for the roots of the client',
    asks(
      () => ({ client_roots: roots() }),
      ({ client_roots }) => says(`Roots: ${client_roots.roots.map(({ uri }) => uri).join(', ')}`),
    ),
  ],
  test_input_required_result_request_state: [
    'Asks for consent, and wants its state back',
    asksPerson('confirm', 'Please confirm.', FORMS.consent, 'state-ok ', { step: 1 }),
  ],
  test_input_required_result_tampered_state: [
    'Asks for consent, and takes no state but its own',
    asksPerson('confirm', 'Please confirm.', FORMS.consent, '', { step: 1 }),
  ],
  test_input_required_result_multiple_inputs: [
    'Asks a person, a model and the client at once',
    asks(
      () => ({
        user_name: form('What is your name?', FORMS.name),
        greeting: sample('Write a greeting.', 50),
        client_roots: roots(),
      }),
      ({ user_name, greeting, client_roots }) =>
        says(`${sampled(greeting)} ${reply(user_name)} has ${client_roots.roots.length} roots.`),
      { step: 1 },
    ),
  ],
  test_input_required_result_multi_round: ['Asks twice, the second time about the first', multiRound],
  test_input_required_result_capabilities: ['Asks for what the client declared, and nothing else', whatItCan],
  test_trigger_tool_change: ['Adds or removes a tool', triggers(() => change('tools'))],
  test_trigger_prompt_change: ['Adds or removes a prompt', triggers(() => change('prompts'))],
  test_trigger_resource_change: ['Adds or removes a resource', triggers(() => change('resources'))],
  test_trigger_resource_update: ['Changes the watched resource', triggers(() => update())],
};

// Prompts.

const PROMPTS = {
  test_simple_prompt: ['A prompt without arguments', () => messages(words('This is a simple prompt for testing.'))],
  test_prompt_with_arguments: [
    'A prompt with two arguments',
    ({ arg1, arg2 }) => messages(words(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
    object({ arg1: string('The first argument'), arg2: string('The second argument') }),
  ],
  test_prompt_with_embedded_resource: [
    'A prompt with a resource',
    ({ resourceUri }) =>
      messages(
        embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.'),
        words('Please process the embedded resource above.'),
      ),
    object({ resourceUri: string('The address of the resource') }),
  ],
  test_prompt_with_image: ['A prompt with an image', () => messages(image, words('Please analyze the image above.'))],
  test_input_required_result_prompt: [
    'A prompt that asks a person first',
    asks(
      () => ({ user_context: form('What context should the prompt use?', FORMS.context) }),
      ({ user_context: { content } }) => messages(words(`Use this context: ${content?.context ?? 'none'}`)),
    ),
  ],
};

// Resources.

const WATCHED = 'test://watched-resource';
const RESOURCES = {
  'test://static-text': [
    'text/plain',
    'Text that stays as it is',
    () => ({ text: 'This is the content of the static text resource.' }),
  ],
  'test://static-binary': ['image/png', 'An image that stays as it is', () => ({ blob: PNG })],
  [WATCHED]: ['text/plain', 'Text that changes', () => ({ text: `Changed ${updates} times.` })],
};
const TEMPLATE = 'test://template/{id}/data';
const made = ({ id }) => JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });

// By what is completed and the argument; every value that begins with what was typed is offered.
const COMPLETIONS = {
  test_prompt_with_arguments: { arg1: ['testValue1', 'paris', 'park', 'party'], arg2: ['testValue2', 'london'] },
  [TEMPLATE]: { id: ['123', '124', '200'] },
};

function complete({ params: { ref, argument } }) {
  const known = COMPLETIONS[ref.name ?? ref.uri]?.[argument.name] ?? [];
  const values = known.filter((each) => each.startsWith(argument.value));
  return { completion: { values, total: values.length, hasMore: false } };
}

// What changes while it runs, for the clients of both revisions at once.

const changed = { tools: false, prompts: false, resources: false };
let updates = 0;

function change(kind) {
  changed[kind] = !changed[kind];
  for (const { changing } of sessions.values()) changing[kind].update({ enabled: changed[kind] });
  modern.notify[`${kind}Changed`]();
}

function update() {
  updates += 1;
  for (const { server, watched } of sessions.values()) {
    if (watched.has(WATCHED)) server.server.sendResourceUpdated({ uri: WATCHED });
  }
  modern.notify.resourceUpdated(WATCHED);
}

// A server, for one session or for one request. `changing` comes and goes, `watched` is what the session subscribed to.

function build(era) {
  const server = new McpServer(
    { name: 'conformance-fixture', version: '1.0.0' },
    {
      supportedProtocolVersions: [VERSIONS[era]],
      instructions: 'Everything here is made up for tests.',
      capabilities: {
        completions: {},
        logging: {},
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        tools: { listChanged: true },
      },
      cacheHints: {
        'server/discover': LISTS,
        'tools/list': LISTS,
        'prompts/list': LISTS,
        'resources/list': LISTS,
        'resources/templates/list': LISTS,
        'resources/read': { ttlMs: 0, cacheScope: 'private' },
      },
      requestState: { verify: states.verify },
    },
  );

  for (const [name, [description, run, input = NOTHING]] of Object.entries(TOOLS)) {
    server.registerTool(name, { description, inputSchema: compile(input) }, (args, ctx) => run(args, ctx, server));
  }
  for (const [name, [description, run, input = NOTHING]] of Object.entries(PROMPTS)) {
    server.registerPrompt(name, { description, argsSchema: compile(input) }, run);
  }
  for (const [uri, [mimeType, description, read]] of Object.entries(RESOURCES)) {
    const name = uri.slice('test://'.length);
    server.registerResource(name, uri, { mimeType, description }, () => ({ contents: [{ uri, mimeType, ...read() }] }));
  }
  const template = new ResourceTemplate(TEMPLATE, { list: undefined });
  const json = { mimeType: 'application/json', description: 'Data made of its address' };
  server.registerResource('template', template, json, ({ href: uri }, variables) => ({
    contents: [{ uri, mimeType: json.mimeType, text: made(variables) }],
  }));
  server.server.setRequestHandler('completion/complete', complete);

  const about = { description: 'Comes and goes' };
  const changing = {
    tools: server.registerTool('test_changing_tool', about, () => says('Here.')),
    prompts: server.registerPrompt('test_changing_prompt', about, () => messages(words('Here.'))),
    resources: server.registerResource('changing-resource', 'test://changing-resource', about, ({ href: uri }) => ({
      contents: [{ uri, text: 'Here.' }],
    })),
  };
  for (const [kind, thing] of Object.entries(changing)) thing.update({ enabled: changed[kind] });

  const watched = new Set();
  if (era === 'legacy') {
    server.server.setRequestHandler('resources/subscribe', ({ params: { uri } }) => {
      if (!Object.hasOwn(RESOURCES, uri)) throw new ResourceNotFoundError(uri);
      watched.add(uri);
      return {};
    });
    server.server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
      watched.delete(uri);
      return {};
    });
  }
  return { server, changing, watched };
}

// 2025-11-25: sessions.

// Everything a session sent, so that a client which lost a stream gets the rest of that stream and of no other.
class Events {
  #sent = [];

  async storeEvent(stream, message) {
    return String(this.#sent.push({ stream, message }));
  }

  async getStreamIdForEventId(id) {
    return this.#sent[id - 1]?.stream;
  }

  async replayEventsAfter(last, { send }) {
    const { stream } = this.#sent[last - 1];
    for (const [at, sent] of this.#sent.entries()) {
      // The event that opens a stream is there for its id, and says nothing.
      if (at >= last && sent.stream === stream && sent.message.jsonrpc) await send(String(at + 1), sent.message);
    }
    return stream;
  }
}

const sessions = new Map();

async function open() {
  const session = build('legacy');
  session.transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: new Events(),
    retryInterval: RETRY_MS,
    onsessioninitialized: (id) => void sessions.set(id, session),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  await session.server.connect(session.transport);
  return session;
}

async function legacy(request) {
  const id = request.headers.get('mcp-session-id');
  // Without an id it can only be the request that begins a session: a new transport takes that, and refuses the others.
  const session = id === null ? await open() : sessions.get(id);
  if (session) return session.transport.handleRequest(request);
  const error = { code: -32001, message: 'Session not found' };
  return Response.json({ jsonrpc: '2.0', id: null, error }, { status: 404 });
}

// 2026-07-28: every request for itself.

const modern = createMcpHandler(() => build('modern').server, { legacy: 'reject' });

// Between node:http and the requests and responses of the web.

async function answerTo(request) {
  const foreign =
    hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
    originValidationResponse(request, localhostAllowedOrigins());
  if (foreign) return foreign;
  if (new URL(request.url).pathname !== PATH) return new Response(null, { status: 404 });
  const old = mode === 'legacy' || (mode === 'dual' && (await isLegacyRequest(request)));
  return old ? legacy(request) : modern.fetch(request);
}

async function serve(incoming, outgoing) {
  const left = new AbortController();
  outgoing.on('close', () => left.abort());
  const bare = ['GET', 'HEAD'].includes(incoming.method);
  const request = new Request(`http://127.0.0.1${incoming.url}`, {
    method: incoming.method,
    headers: incoming.headers,
    signal: left.signal,
    ...(!bare && { body: Readable.toWeb(incoming), duplex: 'half' }),
  });
  const response = await answerTo(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  // A stream begins before it has anything to say.
  outgoing.flushHeaders();
  if (response.body) await pipeline(Readable.fromWeb(response.body), outgoing);
  else outgoing.end();
}

const listener = createServer((incoming, outgoing) => {
  serve(incoming, outgoing).catch((error) => {
    // A client that leaves in the middle is no fault of this server.
    if (outgoing.destroyed) return;
    console.error(error);
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(500).end();
  });
});
listener.listen(Number(port), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${listener.address().port}${PATH}`);
});
