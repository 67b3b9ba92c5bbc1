// mcp-remote, as a desktop client runs it: a child on stdio that signs in for its client. Arguments: URL, callback port,
// tool, its arguments as JSON, and the URL of a client-id document if it has one.
// Lets it sign in through $BROWSER, lists, calls, and calls again each time the access token has expired, until it was
// refreshed three times. Prints one JSON object of what it saw.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const ROUNDS = 3;
const [url, port, tool, args, document] = process.argv.slice(2);
const folder = process.env.MCP_REMOTE_CONFIG_DIR;

// Its token requests cannot be seen from here; the tokens that it keeps can.
const seen = new Map();
let lifetime = 0;
const look = () => {
  for (const name of readdirSync(folder, { recursive: true }).filter((each) => each.endsWith('tokens.json'))) {
    const kept = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    lifetime = kept.expires_in;
    seen.set(kept.access_token, kept);
  }
};

const proxy = fileURLToPath(new URL('dist/proxy.js', import.meta.resolve('mcp-remote/package.json')));
const more = document ? ['--client-metadata-url', document] : [];
const transport = new StdioClientTransport({
  command: process.execPath,
  args: [proxy, url, port, '--allow-http', '--transport', 'http-only', ...more],
  env: process.env,
  stderr: 'inherit',
});
const client = new Client({ name: 'doorward-suite', version: '1' });
await client.connect(transport);
const { tools } = await client.listTools();
const answers = [];
for (let round = 0; round <= 2 * ROUNDS; round += 1) {
  answers.push((await client.callTool({ name: tool, arguments: JSON.parse(args) })).content[0].text);
  look();
  if (seen.size > ROUNDS) break;
  // Another program's clock cannot be set: the token is left to expire.
  await pause(lifetime * 1000 + 200);
}
await client.close();
const grants = { authorization_code: 1, refresh_token: seen.size - 1 };
console.log(JSON.stringify({ tools: tools.map((each) => each.name), answers, grants, refused: [], kept: [...seen.values()] }));
