// One person at one browser of one width, who has a keyboard and no mouse.
import puppeteer from 'puppeteer-core';
import { guarded, listen } from './browser_checks.mjs';

export const WIDTHS = [360, 1280];

// Another program may take its time, but not forever; how long one waits is all that this says.
const PATIENCE = 15_000;

export const start = (plan) =>
  puppeteer.launch({
    executablePath: plan.chromium,
    // The certificates are the lab's; its sandbox cannot be had by root, and all it shows is ours.
    acceptInsecureCerts: true,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--font-render-hinting=none'],
  });

// Begins without any cookie. `ours` are the origins whose pages must be guarded, `ends` further ones where Entra lets go.
export async function begin(browser, width, { findings, folder, ours, ends = [] }) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.setViewport({ width, height: width < 600 ? 740 : 800, deviceScaleFactor: width < 600 ? 2 : 1 });
  return { context, way: new Way(page, { width, findings, folder, ours, ends }) };
}

export class Way {
  constructor(page, { width, findings, folder, ours, ends }) {
    Object.assign(this, { page, width, findings, folder, ours, ends });
    listen(page, `${width} px`, findings);
  }

  // Browsers report an answer of 400 as an error of their own; whoever wants one goes there deaf.
  deaf() {
    this.page.removeAllListeners('console');
  }

  // Looks at the headers of a page of ours.
  shown(response, name) {
    if (this.ours.includes(new URL(this.page.url()).origin)) guarded(response, name, this.findings);
    return response;
  }

  async open(url, name) {
    return this.shown(await this.page.goto(url), name);
  }

  // Moves with the Tab key to what is called so, and never touches a mouse.
  async tabTo(name) {
    const passed = [];
    for (let press = 0; press < 60; press += 1) {
      await this.page.keyboard.press('Tab');
      const at = await this.page.evaluate(() => {
        const here = document.activeElement;
        if (!here || here === document.body) return { name: '' };
        const label = here.labels?.[0]?.textContent;
        const style = getComputedStyle(here);
        const rung = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
        return { name: (here.getAttribute('aria-label') ?? label ?? here.textContent).trim(), rung };
      });
      passed.push(at.name);
      if (at.name.startsWith(name)) {
        if (!at.rung) this.findings.say(`${this.width} px`, `${name} does not show that it has the focus`);
        return;
      }
    }
    throw new Error(`Tab does not lead to ${name} at ${this.page.url()}, only to ${[...new Set(passed)].join(', ')}`);
  }

  async press(name, page = name) {
    await this.tabTo(name);
    const gone = this.page.waitForNavigation();
    await this.page.keyboard.press('Enter');
    return this.shown(await gone, page);
  }

  async type(label, text) {
    await this.tabTo(label);
    await this.page.keyboard.type(text);
  }

  at(url) {
    return this.page.url().startsWith(url);
  }

  words() {
    return this.page.$eval('main', (main) => main.innerText);
  }

  // Whatever Entra asks, until it lets go.
  async throughEntra({ username, password }) {
    for (let asked = 0; asked < 5; asked += 1) {
      if ([...this.ours, ...this.ends].includes(new URL(this.page.url()).origin)) return;
      if (await this.page.$('input[name=username]')) {
        await this.type('Email or user name', username);
        await this.type('Password', password);
        await this.press('Sign in');
      } else {
        const names = await this.page.$$eval('button', (all) => all.map((each) => each.textContent));
        await this.press(['Approve', 'Accept', 'Continue', 'Yes'].find((name) => names.includes(name)));
      }
    }
    throw new Error(`Entra does not let go: ${this.page.url()}`);
  }
}
