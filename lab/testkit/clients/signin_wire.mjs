// What the TypeScript clients that sign in have in common: a look at what crosses the wire to the token endpoint, and the
// place on loopback where the browser comes back to.
import { createServer } from 'node:http';

// A fetch that counts what the token endpoint grants. Being told a nonce is no refusal (RFC 9449 section 8).
export const counting = () => {
  const seen = { grants: {}, refused: [], answered: [] };
  const counted = async (target, init) => {
    const answer = await fetch(target, init);
    const grant = init?.body instanceof URLSearchParams && init.body.get('grant_type');
    if (!grant) return answer;
    const said = await answer.clone().json();
    if (answer.ok) {
      seen.grants[grant] = (seen.grants[grant] ?? 0) + 1;
      seen.answered.push(said);
    } else if (said.error !== 'use_dpop_nonce') {
      seen.refused.push({ grant, status: answer.status, error: said.error });
    }
    return answer;
  };
  return { ...seen, fetch: counted };
};

// Listens for the browser, whose address at the callback is what `back` becomes.
export const listening = async (port) => {
  let came;
  const back = new Promise((resolve) => (came = resolve));
  const listener = createServer((request, response) => {
    const target = new URL(request.url, `http://127.0.0.1:${port}`);
    response.writeHead(200, { 'content-type': 'text/html', connection: 'close' }).end('<title>Done</title>Signed in.');
    if (target.pathname === '/callback') came(target);
  });
  await new Promise((resolve) => listener.listen(Number(port), '127.0.0.1', resolve));
  return { back, close: () => listener.close() };
};
