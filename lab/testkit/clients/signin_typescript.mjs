// The TypeScript v2 client, which signs in by itself. Arguments: URL, callback port, tool, its arguments as JSON, and the
// URL of a client-id document if the client has one.
// Signs in through $BROWSER, lists, calls, and calls again each time the access token has expired, until it was refreshed
// three times. Prints one JSON object of what it saw.
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import { counting, listening } from './signin_wire.mjs';

const ROUNDS = 3;
const [url, port, tool, args, document] = process.argv.slice(2);

const { grants, refused, answered, fetch: counted } = counting();
const { back, close } = await listening(port);

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
    const came = await Promise.race([back, pause(60_000, undefined, { ref: false })]);
    const said = came?.searchParams;
    if (!said || said.get('state') !== kept.state) throw new Error(`no callback of ours: ${came}`);
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
  await pause(answered.at(-1).expires_in * 1000 + 200);
}
await client.close();
close();
console.log(JSON.stringify({ tools: tools.map((each) => each.name), answers, grants, refused, kept: answered }));
