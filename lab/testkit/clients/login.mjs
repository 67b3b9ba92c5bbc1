// The system's browser of somebody who signs in on their own machine: `xdg-open` starts it with the address that it was
// given, and it does in Chromium what a person would do. Arguments: a file of JSON, and the address.
//   chromium, picture    the program, and the file for a picture of the last page
//   username, password   of the person at Entra
//   declines             presses Cancel where others sign in
//   meanwhile            paths that somebody else opens in this browser while the person is at Entra; STATE stands for the
//                        true state
//   told                 the file that gets one JSON object at the end
// Tells every page that was loaded, what became of the paths, the last page, and what was left of it all: the last page
// loaded anew, and Entra's answer brought once more.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import puppeteer from 'puppeteer-core';

const [file, start] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(file, 'utf8'));
const { origin } = new URL(start);
const told = { start, visited: [], meanwhile: [] };
const text = (page) => page.evaluate(() => document.body.textContent.trim());

// What a page became: nobody may be there any more.
async function opened(page, go) {
  try {
    const response = await go();
    return { status: response.status(), url: page.url(), text: await text(page) };
  } catch (error) {
    return { error: String(error.message) };
  }
}

const browser = await puppeteer.launch({
  executablePath: plan.chromium,
  // The certificates are the lab's; its sandbox cannot be had by root, and all it shows is ours.
  acceptInsecureCerts: true,
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--font-render-hinting=none'],
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  page.on('response', (response) => {
    if (response.request().isNavigationRequest()) told.visited.push({ url: response.url(), status: response.status() });
  });
  await page.goto(start);
  for (const path of plan.meanwhile) {
    const state = new URL(page.url()).searchParams.get('state');
    const other = await browser.newPage();
    other.setDefaultTimeout(15_000);
    told.meanwhile.push(await opened(other, () => other.goto(origin + path.replace('STATE', state))));
    await other.close();
    // A person who wonders loads the page anew.
    await page.bringToFront();
    await page.reload();
  }
  if (!plan.declines) {
    await page.type('input[name=username]', plan.username);
    await page.type('input[name=password]', plan.password);
  }
  const button = plan.declines ? 'button[value=cancel]' : 'button[value=sign-in]';
  const pressed = () => Promise.all([page.waitForNavigation(), page.click(button)]).then(([response]) => response);
  told.last = await opened(page, pressed);
  await page.screenshot({ path: plan.picture });
  told.anew = await opened(page, () => page.reload());
  const answer = told.visited.find((each) => each.url.includes('state=') && each.url.startsWith(origin));
  told.again = answer && (await opened(page, () => page.goto(answer.url)));
} catch (error) {
  told.broke = String(error.stack ?? error);
} finally {
  await browser.close();
}
writeFileSync(`${plan.told}.part`, JSON.stringify(told));
renameSync(`${plan.told}.part`, plan.told);
