// The TypeScript clients. Arguments: `v1`, `v1-sse` (HTTP+SSE), `v2-legacy`, `v2-modern`, or `remote` (mcp-remote as a desktop client runs it: a
// child on stdio, here of the v1 client); and a list of visits as JSON: what to call at which server. The token is in
// MCP_TOKEN. Visits one server after the other, and prints one line of JSON for each: what was refused without the token,
// what was seen with it, and, where the client lets its token go, what it met without it in the same session.
import { fileURLToPath } from 'node:url';

const [kind, visits] = process.argv.slice(2);
const v2 = kind.startsWith('v2');
const sdk = await (v2
  ? import('@modelcontextprotocol/client')
  : Promise.all([
      import('@modelcontextprotocol/sdk/client/index.js'),
      import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
      import('@modelcontextprotocol/sdk/client/sse.js'),
      import('@modelcontextprotocol/sdk/client/stdio.js'),
      import('@modelcontextprotocol/sdk/types.js'),
    ]).then((modules) => Object.assign({}, ...modules)));

// The client keeps its headers for the life of a connection: the token is put in, and taken away, below it.
let token;
const withToken = (target, init) => {
  const headers = new Headers(init?.headers);
  if (token) headers.set('authorization', `Bearer ${token}`);
  return fetch(target, { ...init, headers });
};

// What mcp-remote says of itself, which is where it tells why it does not connect.
let said = '';
const remote = (url) => {
  const proxy = fileURLToPath(new URL('dist/proxy.js', import.meta.resolve('mcp-remote/package.json')));
  const header = token ? ['--header', 'Authorization:${BEARER}'] : [];
  const transport = new sdk.StdioClientTransport({
    command: process.execPath,
    args: [proxy, url, '--allow-http', '--transport', 'http-only', ...header],
    env: { ...process.env, BEARER: `Bearer ${token}` },
    stderr: 'pipe',
  });
  // A child has no header for it, and so no need to know; the client tells whoever wants to.
  transport.setProtocolVersion = (version) => void (transport.protocolVersion = version);
  said = '';
  transport.stderr.on('data', (data) => (said += data));
  return transport;
};

const status = async (attempt) => {
  try {
    await attempt();
    return 200;
  } catch (error) {
    // The v2 client has words for codes.
    const named = /HTTP (\d+)/.exec(error.message)?.[1];
    return error.status ?? error.data?.status ?? error.code ?? (Number(named) || String(error));
  }
};

// mcp-remote is looked at by what it hands on: the v1 client before it, which reads what a child writes in pieces of several
// messages, takes an answer before the notifications in front of it. Over HTTP+SSE it does the same.
const early = kind === 'remote' || kind === 'v1-sse';
const handedOn = (transport, heard) => {
  const client = transport.onmessage;
  transport.onmessage = (message, extra) => {
    if (message.method === 'notifications/progress') heard.push(message.params.progress);
    client(message, extra);
  };
};

// A client whose person answers every question with a name.
const connect = async (url) => {
  const negotiation = kind === 'v2-modern' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {};
  const client = new sdk.Client(
    { name: 'doorward-suite', version: '1' },
    { capabilities: { elicitation: { form: {} } }, ...negotiation },
  );
  client.setRequestHandler(v2 ? 'elicitation/create' : sdk.ElicitRequestSchema, () => ({
    action: 'accept',
    content: { name: 'Ada' },
  }));
  const overHttp = kind === 'v1-sse' ? sdk.SSEClientTransport : sdk.StreamableHTTPClientTransport;
  const transport = kind === 'remote' ? remote(url) : new overHttp(new URL(url), { fetch: withToken });
  await client.connect(transport);
  return { client, transport };
};
const call = (client, [name, args], options) =>
  v2 ? client.callTool({ name, arguments: args }, options) : client.callTool({ name, arguments: args }, undefined, options);

// Gives a call up once it has begun, and asks the server whether it noticed.
const giveUp = async (client, { slow, noticed }) => {
  const given = new AbortController();
  const ended = await status(() => call(client, slow, { signal: given.signal, onprogress: () => given.abort('enough') }));
  return ended === 200 ? 'it was answered' : (await call(client, noticed)).content;
};

const withoutToken = async (url) => {
  token = undefined;
  const refused = await status(() => connect(url));
  return kind === 'remote' ? /\b401\b|unauthorized/i.test(said) ? 401 : said : refused;
};

const visit = async ({ url, tool, asks, steps, slow, noticed }) => {
  const seen = { refused: await withoutToken(url) };
  token = process.env.MCP_TOKEN;
  const { client, transport } = await connect(url);
  seen.tools = (await client.listTools()).tools.map(({ name }) => name);
  seen.content = (await call(client, tool)).content;
  if (asks) seen.asked = (await call(client, asks)).content;
  if (steps) {
    const [told, handed] = [[], []];
    if (early) handedOn(transport, handed);
    await call(client, steps, { onprogress: ({ progress }) => void told.push(progress) });
    seen.steps = early ? [...handed] : told;
  }
  if (slow) seen.noticed = await giveUp(client, { slow, noticed });
  if (kind !== 'remote') {
    token = undefined;
    // The v2 client keeps lists for as long as their server says.
    const list = () => (v2 ? client.listTools({}, { cacheMode: 'refresh' }) : client.listTools());
    seen.bare = { list: await status(list), call: await status(() => call(client, tool)) };
    token = process.env.MCP_TOKEN;
    if (!['v2-modern', 'v1-sse'].includes(kind)) await transport.terminateSession();
  }
  seen.revision = v2 ? client.getNegotiatedProtocolVersion() : (transport.protocolVersion ?? transport._protocolVersion);
  await client.close();
  return seen;
};

for (const { server, ...wanted } of JSON.parse(visits)) {
  const seen = await visit(wanted).catch((error) => ({ error: String(error.stack), said }));
  console.log(JSON.stringify({ server, ...seen }));
}
process.exit(0);
