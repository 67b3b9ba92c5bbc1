// The TypeScript v2 client over openid-client, which signs in with proofs of possession (DPoP). Arguments: URL, callback
// port, tool, its arguments as JSON, and the URL of a client-id document if the client has one.
// Signs in through $BROWSER, lists, calls, and calls again each time the access token has expired, until it was refreshed
// three times. Prints one JSON object of what it saw.
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import * as oidc from 'openid-client';
import { counting, listening } from './signin_wire.mjs';

const ROUNDS = 3;
const [url, port, tool, args, document] = process.argv.slice(2);
const callback = `http://127.0.0.1:${port}/callback`;

const { grants, refused, answered, fetch: counted } = counting();
const { back, close } = await listening(port);

// From the address alone: the 401 names the metadata, that names the authorization server.
const knock = await fetch(url, { method: 'POST', body: '{}' });
const described = /resource_metadata="([^"]+)"/.exec(knock.headers.get('www-authenticate'))[1];
const { resource, authorization_servers, scopes_supported, dpop_signing_alg_values_supported } = await (
  await fetch(described)
).json();
if (!dpop_signing_alg_values_supported.includes('ES256')) throw new Error('the server takes no proofs');

const about = {
  client_name: 'openid-client',
  redirect_uris: [callback],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
};
// Tokens are bound whether or not it says that they must be: a document of others does not.
const options = { algorithm: 'oauth2', execute: [oidc.allowInsecureRequests], [oidc.customFetch]: counted };
const server = new URL(authorization_servers[0]);
const config = document
  ? await oidc.discovery(server, document, undefined, oidc.None(), options)
  : await oidc.dynamicClientRegistration(server, { ...about, dpop_bound_access_tokens: true }, oidc.None(), options);
const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));

const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
const expectedState = oidc.randomState();
const address = oidc.buildAuthorizationUrl(config, {
  redirect_uri: callback,
  resource,
  scope: scopes_supported.join(' '),
  state: expectedState,
  code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  dpop_jkt: await DPoP.calculateThumbprint(),
});
spawn(process.env.BROWSER, [address.href], { stdio: 'ignore' });
const said = await Promise.race([back, pause(60_000, undefined, { ref: false })]);
let tokens = await oidc.authorizationCodeGrant(config, said, { pkceCodeVerifier, expectedState }, { resource }, { DPoP });

// The SDK knows nothing of proofs: its requests go out with one of openid-client's.
const proving = async (target, init) => {
  const send = () => {
    const headers = new Headers(init?.headers);
    return oidc.fetchProtectedResource(
      config, tokens.access_token, new URL(target), init?.method ?? 'GET', init?.body, headers, { DPoP, signal: init?.signal },
    );
  };
  try {
    return await send();
  } catch (error) {
    if (error.response?.status !== 401) throw error;
    tokens = await oidc.refreshTokenGrant(config, tokens.refresh_token, { resource }, { DPoP });
    return send();
  }
};
const client = new Client({ name: 'doorward-suite', version: '1' }, { versionNegotiation: { mode: 'auto' } });
await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch: proving }));
const { tools } = await client.listTools();
const answers = [];
for (let round = 0; round <= 2 * ROUNDS; round += 1) {
  answers.push((await client.callTool({ name: tool, arguments: JSON.parse(args) })).content[0].text);
  if (grants.refresh_token >= ROUNDS) break;
  // Another program's clock cannot be set: the token is left to expire.
  await pause(tokens.expires_in * 1000 + 200);
}
await client.close();
const unbound = answered.filter((each) => each.token_type !== 'DPoP');
if (unbound.length > 0) throw new Error(`${unbound.length} tokens are not bound`);
close();
console.log(JSON.stringify({ tools: tools.map((each) => each.name), answers, grants, refused, kept: answered }));
