// What every page of the door must satisfy in a browser, whatever is on it.
import axe from 'axe-core';
import { join } from 'node:path';

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

// Collects what went wrong; the suite wants none.
export class Findings {
  problems = [];
  shots = [];
  say(where, what) {
    this.problems.push(`${where}: ${what}`);
  }
}

// Listens to a page for as long as it lives: what the console, the network and the content security policy complain of.
export function listen(page, where, findings) {
  page.on('pageerror', (error) => findings.say(where, `script: ${error}`));
  page.on('console', (message) => {
    // Browsers ask for an icon of their own accord.
    const icon = message.location().url?.endsWith('/favicon.ico');
    if (['error', 'warn'].includes(message.type()) && !icon) findings.say(where, `console: ${message.text()}`);
  });
  page.on('requestfailed', (request) => {
    // A navigation that a redirect or a closed page cuts off is no failure.
    const why = request.failure()?.errorText;
    if (why !== 'net::ERR_ABORTED') findings.say(where, `${why}: ${request.url()}`);
  });
}

// Looks at the page that is shown, in the light and in the dark, and keeps a picture of each.
export async function look(page, name, { findings, folder, width }) {
  const where = `${name}, ${width} px`;
  for (const scheme of ['light', 'dark']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    const path = join(folder, `${name}-${width}-${scheme}.png`);
    await page.screenshot({ path, fullPage: true });
    findings.shots.push(path);
    await accessible(page, `${where}, ${scheme}`, findings);
  }
  await page.emulateMediaFeatures([]);
  await fits(page, where, findings);
  await named(page, where, findings);
}

// Names, roles, contrast, landmarks, sizes of targets, as the axe rules see them.
async function accessible(page, where, findings) {
  // Read by the debugger, which the page's policy does not concern.
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async (tags) => {
    const found = await globalThis.axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
    return found.violations.map((each) => `${each.id}: ${each.help} at ${each.nodes.map((node) => node.target).join(' | ')}`);
  }, WCAG);
  for (const violation of violations) findings.say(where, violation);
}

// Nothing sticks out to the side, and nothing that is pressed is too small for a finger.
async function fits(page, where, findings) {
  const { wide, small } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    small: [...document.querySelectorAll('button, .button, input:not([type=hidden])')]
      .filter((each) => each.getBoundingClientRect().height < 40)
      .map((each) => each.textContent || each.name),
  }));
  if (wide > 0) findings.say(where, `${wide} px stick out to the side`);
  for (const each of small) findings.say(where, `too low for a finger: ${each}`);
}

// What a screen reader is told: everything that can be used has a name, and the page has one heading of the first order.
async function named(page, where, findings) {
  const tree = await page.accessibility.snapshot({ interestingOnly: false });
  const all = [];
  const walk = (node) => {
    all.push(node);
    (node.children ?? []).forEach(walk);
  };
  walk(tree);
  for (const node of all) {
    if (['button', 'link', 'textbox', 'checkbox'].includes(node.role) && !node.name?.trim()) {
      findings.say(where, `a ${node.role} has no name`);
    }
  }
  const heads = all.filter((node) => node.role === 'heading' && node.level === 1);
  if (heads.length !== 1) findings.say(where, `${heads.length} headings of the first order`);
  if (!(await page.title())) findings.say(where, 'no title');
  if (!(await page.$eval('html', (html) => html.lang))) findings.say(where, 'no language');
}

// The headers that a page of the door comes with.
export function guarded(response, name, findings) {
  const headers = response.headers();
  const policy = headers['content-security-policy'] ?? '';
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", 'form-action']) {
    if (!policy.includes(part)) findings.say(name, `the policy lacks ${part}: ${policy}`);
  }
  if (policy.includes('unsafe')) findings.say(name, `the policy allows what is unsafe: ${policy}`);
  const must = { 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' };
  for (const [header, value] of Object.entries(must)) {
    if (!(headers[header] ?? '').includes(value)) findings.say(name, `${header} is ${headers[header]}`);
  }
}
