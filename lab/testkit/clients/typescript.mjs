// The TypeScript v1 client. Arguments: URL, tool, its arguments as JSON; the token is in MCP_TOKEN, or there is none.
// Prints one JSON object: what it was refused at connecting, or what it saw with the token, and then without it in
// the same session.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [url, tool, args] = process.argv.slice(2);
let token = process.env.MCP_TOKEN;

// The client keeps its headers for the life of a connection: the token is put in, and taken away, below it.
const withToken = (target, init) => {
  const headers = new Headers(init?.headers);
  if (token) headers.set('authorization', `Bearer ${token}`);
  return fetch(target, { ...init, headers });
};
const status = async (attempt) => {
  try {
    await attempt();
    return 200;
  } catch (error) {
    return error.code ?? String(error);
  }
};

const transport = new StreamableHTTPClientTransport(new URL(url), { fetch: withToken });
const client = new Client({ name: 'doorward-suite', version: '1' });
const list = () => client.listTools();
const call = () => client.callTool({ name: tool, arguments: JSON.parse(args) });

const refused = await status(() => client.connect(transport));
if (refused !== 200) {
  console.log(JSON.stringify({ refused }));
} else {
  const { tools } = await list();
  const answer = await call();
  const kept = token;
  token = undefined;
  const bare = { list: await status(list), call: await status(call) };
  token = kept;
  await transport.terminateSession();
  await client.close();
  const revision = transport.protocolVersion;
  console.log(JSON.stringify({ revision, tools: tools.map((each) => each.name), content: answer.content, bare }));
}
