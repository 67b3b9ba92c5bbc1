// A person's way in Chromium: refuses, allows, signs in, finds what was allowed, withdraws it, all by keyboard, on a
// telephone and on a desk. Argument: a file of JSON:
//   issuer, resource, client_id, scope   what the client asks for, a configured one without a secret whose redirect is
//                                        http://127.0.0.1/callback at any port
//   username, password                   of the person at Entra
//   chromium, screenshots                the program, and the folder for its pictures
// Prints one JSON object: the steps that were gone, the pictures, and the problems, of which there must be none.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Findings, guarded, look } from './browser_checks.mjs';
import { WIDTHS, begin, start } from './browser_way.mjs';

const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const findings = new Findings();
const steps = [];
mkdirSync(plan.screenshots, { recursive: true });

// The client: an address that hears the answer, and the page of somebody who frames the door.
const client = createServer((request, response) => {
  const at = new URL(request.url, 'http://127.0.0.1');
  if (at.pathname === '/favicon.ico') return response.writeHead(204).end();
  const framed = at.searchParams.get('framed');
  const body = framed ? `<iframe src="${framed.replaceAll('&', '&amp;')}"></iframe>` : '<h1>Signed in</h1>';
  return response
    .writeHead(200, { 'content-type': 'text/html' })
    .end(`<!doctype html><html lang="en"><title>The client</title>${body}</html>`);
});
await new Promise((resolve) => client.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${client.address().port}`;
const redirect = `${origin}/callback`;
const metadata = await (await fetch(`${plan.issuer}/.well-known/oauth-authorization-server`)).json();

function request(more = {}) {
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: plan.client_id,
    redirect_uri: redirect,
    scope: plan.scope,
    resource: plan.resource,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  });
  return { url: `${metadata.authorization_endpoint}?${query}`, verifier, state };
}

const token = async (form) => {
  const body = new URLSearchParams({ client_id: plan.client_id, resource: plan.resource, ...form });
  const answer = await fetch(metadata.token_endpoint, { method: 'POST', body });
  return { status: answer.status, ...(await answer.json()) };
};

function expect(what, holds, seen) {
  steps.push(what);
  if (!holds) findings.say(what, `not so: ${JSON.stringify(seen)}`);
}

// What the client is told at its address.
function answer(way, state) {
  const said = Object.fromEntries(new URL(way.page.url()).searchParams);
  const ours = way.at(redirect) && said.state === state && said.iss === plan.issuer;
  return { ours, ...said };
}

async function denies(way) {
  const asked = request();
  await way.open(asked.url, 'consent');
  await look(way.page, 'consent', way);
  await way.press('Deny');
  const said = answer(way, asked.state);
  expect(`${way.width} px: a denial reaches the client`, said.ours && said.error === 'access_denied', said);
}

async function signsIn(way) {
  const asked = request();
  await way.open(asked.url, 'consent');
  await way.press('Allow');
  if (!way.at(origin)) await look(way.page, 'entra', { ...way, findings: new Findings() });
  await way.throughEntra(plan);
  const said = answer(way, asked.state);
  expect(`${way.width} px: after Allow and the sign-in a code reaches the client`, said.ours && said.code, said);
  const got = await token({
    grant_type: 'authorization_code',
    code: said.code,
    redirect_uri: redirect,
    code_verifier: asked.verifier,
  });
  expect(`${way.width} px: the code is worth a token`, got.access_token && got.refresh_token, { status: got.status });
  return got;
}

async function withdraws(way, got) {
  await way.open(`${plan.issuer}/account`, 'account');
  if (await way.page.$('main a.button, main a')) {
    // Whoever is not signed in to the door's own pages is led there.
    const leads = await way.page.$$eval('main a', (all) => all.map((each) => each.textContent.trim()));
    const name = leads.find((each) => each.startsWith('Sign in'));
    if (name) await way.press(name);
  }
  await way.throughEntra(plan);
  await look(way.page, 'account', way);
  const held = await way.page.$$eval('button', (all) => all.map((each) => each.getAttribute('aria-label') ?? each.textContent));
  const [withdraw] = held.filter((name) => name.startsWith('Withdraw'));
  expect(`${way.width} px: the account shows what was allowed`, withdraw, held);
  await opens(way);
  await way.open(`${plan.issuer}/account`, 'account');
  await way.press(withdraw);
  await look(way.page, 'withdrawn', way);
  const left = await way.page.$$eval('button', (all) => all.map((each) => each.getAttribute('aria-label') ?? each.textContent));
  expect(`${way.width} px: once withdrawn it is gone`, !left.some((name) => name.startsWith('Withdraw')), left);
  const again = await token({ grant_type: 'refresh_token', refresh_token: got.refresh_token });
  expect(`${way.width} px: the client's refresh token is worth nothing`, again.error === 'invalid_grant', again);
}

// A server asked this person to open an address: the page shows it, and leads there only when they say so.
async function opens(way) {
  const response = await way.open(plan.open, 'open');
  expect(`${way.width} px: the page is for the one who was asked`, response.status() === 200 && way.at(plan.issuer), way.page.url());
  await look(way.page, 'open', way);
  await way.tabTo('Open');
  const link = await way.page.evaluate(() => ({ to: document.activeElement.href, rel: document.activeElement.rel }));
  expect(`${way.width} px: the link says nothing of where it stands`, link.rel === 'noreferrer noopener' && link.to.includes('/orders/7'), link);
}

async function meetsErrors(way) {
  const response = await way.page.goto(request({ redirect_uri: 'https://evil.example/callback' }).url);
  guarded(response, 'error', findings);
  expect(`${way.width} px: a foreign redirect gets no answer`, response.status() === 400 && way.at(plan.issuer), way.page.url());
  await look(way.page, 'error', way);
}

async function isFramed(context) {
  // A page of its own: what the browser says about the refusal is what is wanted here.
  const page = await context.newPage();
  await page.goto(`${origin}/?framed=${encodeURIComponent(request().url)}`);
  const inside = await page.frames()[1].evaluate(() => document.body.textContent).catch(() => '');
  expect('nobody frames the question', !inside.includes('Allow'), inside);
  await page.close();
}

const browser = await start(plan);
try {
  for (const width of WIDTHS) {
    const { context, way } = await begin(browser, width, { findings, folder: plan.screenshots, ours: [plan.issuer], ends: [origin] });
    await denies(way);
    await withdraws(way, await signsIn(way));
    await isFramed(context);
    way.deaf();
    await meetsErrors(way);
    await context.close();
  }
} catch (error) {
  findings.say('the way', String(error.stack ?? error));
} finally {
  await browser.close();
  client.close();
}
console.log(JSON.stringify({ steps, shots: findings.shots, problems: findings.problems }));
