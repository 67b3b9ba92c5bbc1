// The TypeScript v2 client, which signs in by itself. Arguments: URL, callback port, tool, its arguments as JSON, and the
// URL of a client-id document if the client has one.
// Signs in through $BROWSER, lists, calls, and calls again each time the access token has expired, until it was refreshed
// three times. Prints one JSON object of what it saw.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';

const ROUNDS = 3;
const [url, port, tool, args, document] = process.argv.slice(2);

// What crosses the wire to the token endpoint, by grant.
const grants = {};
const refused = [];
const answered = [];
let lifetime = 0;
const counted = async (target, init) => {
  const answer = await fetch(target, init);
  const grant = init?.body instanceof URLSearchParams && init.body.get('grant_type');
  if (grant) {
    const said = await answer.clone().json();
    if (answer.ok) {
      grants[grant] = (grants[grant] ?? 0) + 1;
      answered.push(said);
      lifetime = said.expires_in ?? 0;
    } else {
      refused.push({ grant, status: answer.status, error: said.error });
    }
  }
  return answer;
};

let back;
const calledBack = new Promise((resolve) => (back = resolve));
const listener = createServer((request, response) => {
  const target = new URL(request.url, `http://127.0.0.1:${port}`);
  response.writeHead(200, { 'content-type': 'text/html', connection: 'close' }).end('<title>Done</title>Signed in.');
  if (target.pathname === '/callback') back(target.searchParams);
});
await new Promise((resolve) => listener.listen(Number(port), '127.0.0.1', resolve));

const kept = {};
const provider = {
  redirectUrl: `http://127.0.0.1:${port}/callback`,
  clientMetadataUrl: document,
  clientMetadata: {
    client_name: 'TypeScript SDK',
    redirect_uris: [`http://127.0.0.1:${port}/callback`],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  },
  state: () => (kept.state = crypto.randomUUID()),
  clientInformation: () => kept.client,
  saveClientInformation: (client) => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
  saveDiscoveryState: (state) => void (kept.discovery = state),
  discoveryState: () => kept.discovery,
  redirectToAuthorization: (address) => void spawn(process.env.BROWSER, [address.href], { stdio: 'ignore' }),
};

const connect = async () => {
  const client = new Client({ name: 'doorward-suite', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: provider, fetch: counted });
  try {
    await client.connect(transport);
    return client;
  } catch (error) {
    if (!(error instanceof UnauthorizedError) || kept.tokens) throw error;
    const said = await Promise.race([calledBack, pause(60_000, undefined, { ref: false })]);
    if (!said || said.get('state') !== kept.state) throw new Error(`no callback of ours: ${said}`);
    await transport.finishAuth(said);
    return connect();
  }
};

const client = await connect();
const { tools } = await client.listTools();
const answers = [];
for (let round = 0; round <= 2 * ROUNDS; round += 1) {
  answers.push((await client.callTool({ name: tool, arguments: JSON.parse(args) })).content[0].text);
  if (grants.refresh_token >= ROUNDS) break;
  // Another program's clock cannot be set: the token is left to expire.
  await pause(lifetime * 1000 + 200);
}
await client.close();
listener.close();
console.log(JSON.stringify({ tools: tools.map((each) => each.name), answers, grants, refused, kept: answered }));
